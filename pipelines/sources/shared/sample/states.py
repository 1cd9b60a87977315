"""The states of the sample: codes, round populations and how hard the epidemic hits each.

What belongs here: one table about states. What does not: a source's format. Populations are rounded and
the factors are our own; neither is a published figure.
"""

from __future__ import annotations

from dataclasses import dataclass

YEARS = range(2014, 2026)

_TABLE = """
AL|01|Alabama|3|6|502|85
AK|02|Alaska|4|9|73|110
AZ|04|Arizona|4|8|715|115
AR|05|Arkansas|3|7|301|65
CA|06|California|4|9|3950|70
CO|08|Colorado|4|8|577|95
CT|09|Connecticut|1|1|361|125
DE|10|Delaware|3|5|99|155
DC|11|District of Columbia|3|5|69|190
FL|12|Florida|3|5|2154|115
GA|13|Georgia|3|5|1071|70
HI|15|Hawaii|4|9|146|60
ID|16|Idaho|4|8|184|60
IL|17|Illinois|2|3|1281|90
IN|18|Indiana|2|3|679|110
IA|19|Iowa|2|4|319|45
KS|20|Kansas|2|4|294|60
KY|21|Kentucky|3|6|451|155
LA|22|Louisiana|3|7|466|135
ME|23|Maine|1|1|136|140
MD|24|Maryland|3|5|618|140
MA|25|Massachusetts|1|1|703|115
MI|26|Michigan|2|3|1008|95
MN|27|Minnesota|2|4|571|60
MS|28|Mississippi|3|6|296|70
MO|29|Missouri|2|4|615|105
MT|30|Montana|4|8|109|55
NE|31|Nebraska|2|4|196|35
NV|32|Nevada|4|8|311|95
NH|33|New Hampshire|1|1|138|120
NJ|34|New Jersey|1|2|929|105
NM|35|New Mexico|4|8|212|140
NY|36|New York|1|2|2020|90
NC|37|North Carolina|3|5|1044|110
ND|38|North Dakota|2|4|78|50
OH|39|Ohio|2|3|1180|140
OK|40|Oklahoma|3|7|396|85
OR|41|Oregon|4|9|424|85
PA|42|Pennsylvania|1|2|1300|130
RI|44|Rhode Island|1|1|110|130
SC|45|South Carolina|3|5|512|120
SD|46|South Dakota|2|4|89|35
TN|47|Tennessee|3|6|692|145
TX|48|Texas|3|7|2915|50
UT|49|Utah|4|8|327|65
VT|50|Vermont|1|1|64|120
VA|51|Virginia|3|5|863|85
WA|53|Washington|4|9|770|90
WV|54|West Virginia|3|5|179|250
WI|55|Wisconsin|2|3|589|90
WY|56|Wyoming|4|8|58|60
PR|72|Puerto Rico|0|0|328|70
"""


@dataclass(frozen=True)
class State:
    """A state, DC or Puerto Rico. population: ten thousands about 2020; risk: percent of the US death rate."""

    postal: str
    fips: str
    name: str
    region: int
    division: int
    population: int
    risk: int


STATES = {
    p: State(p, fips, name, int(region), int(division), int(population), int(risk))
    for p, fips, name, region, division, population, risk in (line.split("|") for line in _TABLE.strip().splitlines())
}
"""By postal code: 50 states, DC and Puerto Rico, in the order of their names but for PR."""

NYC_SHARE = 0.43
"""Share of New York State that lives in New York City, about."""
