from ._mix import Given as Given
from ._mix import mix as mix
from ._mix import mixed as mixed
from ._mix import roots as roots
from ._settings import MixSettings as MixSettings
