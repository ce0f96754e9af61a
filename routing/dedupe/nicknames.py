"""Short forms of first names, each with the full one. Pure; cheap, and no more than common ones."""

from typing import Final

_FORMS: Final = """
abigail abby; alexander alex sandy sascha; alexandra alex lexi sandra; andrew andy drew;
anthony tony; antonio toni; barbara barb babs; benjamin ben benny; catherine cathy kate katie cat;
charles charlie chuck; christian chris; christina tina chrissy; christopher chris topher;
daniel dan danny; david dave davey; deborah deb debbie; dominic dom nick; donald don donnie;
dorothy dot dottie; edward ed eddie ted ned; elizabeth liz lizzie beth betty eliza lisa;
emily em emmy; eugene gene; ferdinand ferdi; francis frank; franziska franzi; frederick fred freddy;
friedrich fritz; gabriel gabe; gabriele gabi; georg schorsch; gerald gerry jerry; gregory greg;
guillermo memo; hans hannes; harold harry hal; heinrich heinz; henry harry hank; ignacio nacho;
isabel bella isa; jacob jake; jacqueline jackie; james jim jimmy jamie; janet jan; jason jay;
jeffrey jeff; jennifer jen jenny; jeremy jerry; jessica jess jessie; johannes hannes; john jack
johnny; jonathan jon nathan; jose pepe; josef sepp; joseph joe joey; joshua josh; judith judy;
julia jule; katharina kathi kati; katherine kate kathy katie kat; kenneth ken kenny;
kimberly kim; lawrence larry; leonard leo len lenny; lucille lucy; ludwig lutz;
magdalena lena magda; manuel manolo; margaret maggie meg peggy; margarete grete gretel;
maria mia; martin marty; matthew matt; matthias matze; maximilian max; melissa mel; michael mike
mick mickey michi; nathaniel nate nathan; nicholas nick; nikolaus klaus niko; pamela pam;
patricia pat patty tricia trish; patrick pat paddy; peter pete; philip phil; rafael rafa;
raymond ray; rebecca becky becca; reginald reggie; richard rich rick ricky dick; robert rob bob
bobby robbie bert; roberto beto; ronald ron ronnie; rudolf rudi; samantha sam; samuel sam sammy;
sandra sandy; sebastian basti seb; stephanie steffi steph; stephen steve; steven steve;
susan sue susie; susanne susi; theodore ted theo; theresa terry tess resi; thomas tom tommy;
timothy tim timmy; ulrich uli; ursula uschi; valerie val; victoria vicky tori; vincent vince
vinny; walter walt; wilhelm willi; william will bill billy willy liam; wolfgang wolf; zachary zach
"""


def _table() -> dict[str, str]:
    table: dict[str, str] = {}
    for row in _FORMS.split(";"):
        full, *short = row.split()
        for one in short:
            # A short form of two names stands for the first; it is a hint, not a proof.
            table.setdefault(one, full)
    return table


_FULL: Final = _table()


def formal(name: str) -> str:
    """The full form of a folded first name; the name itself where none is known."""
    return _FULL.get(name, name)
