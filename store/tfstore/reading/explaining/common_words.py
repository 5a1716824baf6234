"""English words of four letters and more that stand in any text, and so tell nothing of where it comes from."""

from __future__ import annotations

from typing import Final

COMMON: Final = frozenset(
    """
    able about above according actually additional after again against ahead almost along already also
    although always among another answer anything anyway around available away back based because been
    before behind being below best better between beyond both cannot case come comes contains could
    couldn currently does doesn doing done down during each either else enough even ever every
    everything example feel find fine first following found four from full further gave getting give
    given gives goes going gone good great hadn have haven having hello help helpful here hers him
    himself hold holds hope however including information inside instead into isn itself just keep kept
    kind know known last later least left less like likely list little long look looking looks made make
    makes making many maybe might mine more moreover most much must myself near need needed needs
    neither never next none nothing number often once only other others otherwise ours ourselves outside
    over part perhaps please possible provide provided quite rather ready really recommend regarding
    right said same says second seem seems seen several shall should shouldn show shown shows simply
    since some someone something sometimes soon sorry such sure take takes taken taking tell than thank
    thanks that their theirs them themselves then there therefore these they thing things this those
    though three through thus time times together told toward towards true under unless until upon used
    uses using various very want wants wasn welcome well were weren what whatever when where whether
    which while whole whom whose will with within without works would wouldn year years your yours yourself
    """.split()  # noqa: SIM905 - a list of a literal a line is read by nobody
)
