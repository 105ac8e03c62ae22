from ._mix import mix as mix
from ._mix import mixed as mixed
from ._settings import MixSettings as MixSettings
