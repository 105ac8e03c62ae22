from ._astrospy_page import report_astrospy as report_astrospy
from ._flare_page import report_flare as report_flare
from ._measure_page import measure_page as measure_page
from ._report import report as report
from ._reproduction_page import report_reproduction as report_reproduction
from ._sweep_page import report_sweep as report_sweep
