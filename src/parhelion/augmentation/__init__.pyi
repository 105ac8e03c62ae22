from ._enhance import enhance as enhance
from ._enhance import enlarge as enlarge
from ._settings import EnhanceSettings as EnhanceSettings
from ._settings import UpscalerSettings as UpscalerSettings
from ._telescope import observed_smaller as observed_smaller
from ._train_upscaler import train_upscaler as train_upscaler
from ._upscaler import Upscaler as Upscaler
from ._upscaler import load_upscaler as load_upscaler
