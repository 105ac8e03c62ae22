from ._classes import load_classes as load_classes
from ._figures import classifier_figures as classifier_figures
from ._predict import Classifier as Classifier
from ._predict import load_classifier as load_classifier
from ._scores import score_classifier as score_classifier
from ._settings import ClassifierSettings as ClassifierSettings
from ._train import train_classifier as train_classifier
