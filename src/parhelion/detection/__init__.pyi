from ._predict import Detector as Detector
from ._predict import load_detector as load_detector
from ._scores import evaluate as evaluate
from ._settings import DetectorSettings as DetectorSettings
from ._settings import DetectSettings as DetectSettings
from ._spectrum import log_spectrum as log_spectrum
from ._spectrum import radial_profile as radial_profile
from ._train import train_detector as train_detector
