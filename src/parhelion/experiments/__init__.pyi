from ._astrospy import reproduce_astrospy as reproduce_astrospy
from ._demo import demo as demo
from ._demo_settings import DemoSettings as DemoSettings
from ._gan_universe import reproduce_gan_universe as reproduce_gan_universe
from ._settings import ReproduceAstrospySettings as ReproduceAstrospySettings
from ._settings import ReproduceSettings as ReproduceSettings
from ._sweep import sweep_mix as sweep_mix
