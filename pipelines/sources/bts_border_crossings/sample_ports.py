"""The ports of the sample: who they are, and round monthly levels of our own.

What belongs here: one table. What does not: drawing crossings. Codes, names and coordinates identify real ports;
the levels are typical orders of magnitude, not published figures.
"""

from __future__ import annotations

from dataclasses import dataclass

_MEXICO = """
2301|Brownsville|Texas|25.952|-97.401|POINT (-97.40067 25.95155)|350|200|22|200|60
2302|Del Rio|Texas|29.327|-100.928|POINT (-100.927612 29.326784)|130|10|6|1|0
2303|Eagle Pass|Texas|28.705|-100.512|POINT (-100.511977 28.705483)|220|60|15|400|200
2304|Laredo|Texas|27.500|-99.507|POINT (-99.507412 27.499561)|400|250|200|3000|300
2305|Hidalgo|Texas|26.095|-98.271|POINT (-98.271092 26.095032)|350|180|50|1000|0
2307|Rio Grande City|Texas|26.366|-98.803|POINT (-98.802513 26.365761)|30|5|3|0|0
2309|Progreso|Texas|26.062|-97.950|POINT (-97.949958 26.062133)|100|80|4|0|0
2310|Roma|Texas|26.404|-99.019|POINT (-99.018981 26.403928)|60|15|3|50|0
2401|Ysleta|Texas|31.673|-106.335|POINT (-106.335449846028 31.6731261376859)|300|100|50|0|0
2402|El Paso|Texas|31.764|-106.451|POINT (-106.451188 31.764363)|650|350|8|1000|100
2403|Presidio|Texas|29.562|-104.395|POINT (-104.394907 29.561827)|55|15|1|100|0
2404|Tornillo|Texas|31.435|-106.143|POINT (-106.142669 31.435334)|40|3|0.5|0|0
2406|Columbus|New Mexico|31.784|-107.628|POINT (-107.627948 31.783742)|30|20|1.5|50|0
2408|Santa Teresa|New Mexico|31.784|-106.679|POINT (-106.679437 31.783939)|50|10|12|50|0
2410|Boquillas|Texas|29.190|-102.947|POINT (-102.946705 29.190074)|0|1|0|0|0
2502|Andrade|California|32.718|-114.728|POINT (-114.72832 32.718143)|45|60|0|0|0
2503|Calexico|California|32.673|-115.388|POINT (-115.388018 32.673389)|400|250|0|0|0
2504|San Ysidro|California|32.543|-117.029|POINT (-117.028761 32.542528)|1250|600|0|3500|0
2505|Tecate|California|32.576|-116.626|POINT (-116.626216 32.576428)|80|70|5|2|0
2506|Otay Mesa|California|32.550|-116.939|POINT (-116.938538 32.55033)|500|250|80|20|5
2507|Calexico East|California|32.673|-115.388|POINT (-115.388018 32.673389)|250|40|35|100|20
2582|Cross Border Xpress|California|32.548|-116.974|POINT (-116.974462 32.54834)|0|180|0|0|0
2601|Douglas|Arizona|31.334|-109.560|POINT (-109.560344 31.334043)|130|60|2.5|10|0
2602|Lukeville|Arizona|31.880|-112.817|POINT (-112.817077 31.880195)|30|5|0.05|50|0
2603|Naco|Arizona|31.334|-109.948|POINT (-109.948413 31.334084)|25|7|0.2|0|0
2604|Nogales|Arizona|31.333|-110.943|POINT (-110.942516 31.332839)|300|250|30|800|70
2606|Sasabe|Arizona|31.483|-111.544|POINT (-111.544363 31.483039)|2|0.1|0|0|0
2608|San Luis|Arizona|32.485|-114.782|POINT (-114.7822222 32.485)|260|200|4|10|0
"""
_CANADA = """
0103|Eastport|Maine|44.859|-66.980|POINT (-66.98007566 44.8594395785)|8|0.5|0|2|0
0106|Houlton|Maine|46.135|-67.781|POINT (-67.781288 46.134879)|20|0.1|6|20|0
0115|Calais|Maine|45.189|-67.275|POINT (-67.275381 45.188548)|50|1|7|10|0
0212|Highgate Springs|Vermont|45.015|-73.085|POINT (-73.085037 45.015414)|50|0.1|8|80|30
0708|Alexandria Bay|New York|44.347|-75.984|POINT (-75.983592 44.347229)|60|0.1|16|100|0
0712|Champlain Rouses Point|New York|45.009|-73.453|POINT (-73.4526634854 45.0088325953)|110|0.1|25|700|40
0901|Buffalo Niagara Falls|New York|43.095|-79.056|POINT (-79.055847 43.09549)|450|20|75|1500|150
3004|Blaine|Washington|48.994|-122.749|POINT (-122.748884 48.994045)|300|0.5|30|800|80
3302|Eastport|Idaho|49.001|-116.181|POINT (-116.181027 49.000555)|12|0.1|5|5|60
3310|Sweetgrass|Montana|48.998|-111.960|POINT (-111.959611 48.998388)|25|0.1|12|30|30
3401|Pembina|North Dakota|49.000|-97.237|POINT (-97.237036 49.000453)|35|0.1|18|60|50
3801|Detroit|Michigan|42.332|-83.048|POINT (-83.047924 42.331685)|350|0.1|125|800|100
"""


@dataclass(frozen=True)
class Port:
    """A port. vehicles, pedestrians, trucks: thousands a month; buses, trains: a month."""

    code: str
    name: str
    state: str
    border: str
    latitude: str
    longitude: str
    point: str
    vehicles: float
    pedestrians: float
    trucks: float
    buses: float
    trains: float


def _read(border: str, table: str) -> list[Port]:
    rows = [line.split("|") for line in table.strip().splitlines()]
    return [Port(r[0], r[1], r[2], border, r[3], r[4], r[5], *(float(v) for v in r[6:])) for r in rows]


PORTS = [*_read("US-Mexico Border", _MEXICO), *_read("US-Canada Border", _CANADA)]
"""All 28 ports of the Mexican border and twelve of the Canadian one; two are called Eastport."""
