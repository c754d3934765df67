"""Stop words: what is left out since it is in nearly every text.

A word that is left out cannot be found, so the lists are short: for the languages here, articles,
prepositions, conjunctions, pronouns and auxiliaries. For the others it is the list of `stopwordsiso`; where
that is long, for it then holds content words too, only its words of up to four letters.
"""

from __future__ import annotations

from retrieverkit_indexing.analysis._languages import extra_module

_SHORT: dict[str, str] = {
    "en": """a an and are as at be been but by can did do does for from had has have how in into is it its of on or
        that the their them there these they this those to was were what when where which who why with
        would arent cant couldnt didnt doesnt dont hadnt hasnt havent isnt shouldnt wasnt werent wont wouldnt""",
    "de": """aber als am an auch auf aus bei bin bis da das dass dem den der des die dies diese dieser durch ein eine
        einem einen einer eines er es für hat hatte ich im in ist mit nach noch nur oder ob sich sie sind so
        über um und von vom vor war waren was welche wenn wer werden wie wir wird wo wurde zu zum zur""",
    "fr": """à au aux avec c ce ces cette comme d dans de des du elle elles en est et été être il ils j je l la le les
        leur leurs lui m mais n ne nous on ont ou où par pas pour qu que quel quelle qui s sa se ses son sont
        sur t un une vous y""",
    "es": """a al como con cual de del desde donde el ella ellos en entre era es esta este esto fue ha había han la las
        le les lo los más mi muy no o para pero por qué que quien se ser si sin sobre son su sus un una unas
        unos y ya""",
    "it": """a ad ai al alla alle anche che chi ci come con cui da dal dalla degli dei del della delle di dove e ed era
        gli ha hanno i il in io la le lo ma nei nel nella non o per più quale quando se si sono su sua sul suo
        tra un una uno è""",
    "pt": """a ao aos as com como da das de do dos e ela ele em entre era essa esse esta este eu foi há isso já la mais
        mas na nas não no nos o onde os ou para pela pelo por qual quando que quem se sem ser seu seus sua são
        também um uma à é""",
    "nl": """aan al als bij dan dat de der deze die dit door een en er had heeft het hij hoe ik in is je kan maar met na
        naar niet nog of om onder ook op over te tot uit van voor waar was wat we welke werd wie worden wordt
        zich zij zijn""",
    "ru": """а без бы был была были было в вам вас во вот все вы где да для до его ее если же за и из или им их к как
        какой ко когда который кто ли мы на не него но о об он она они от по при с со так там то того тоже
        только ты у уже чем что чтобы эта это этот я""",
}
_LONG_LIST = 200
_SHORT_WORD = 4


def stop_words(language: str) -> frozenset[str]:
    """Return the stop words of ``language``, in lower case; none where no list is known."""
    if language in _SHORT:
        return frozenset(_SHORT[language].split())
    words = listed(language)
    return frozenset(word for word in words if len(words) <= _LONG_LIST or len(word) <= _SHORT_WORD)


def listed(language: str) -> frozenset[str]:
    """Return all common words that are listed for ``language``, in lower case, however much content they have."""
    lists = extra_module("stopwordsiso")
    words = lists.stopwords(language) if lists.has_lang(language) else set()
    return frozenset(word.lower() for word in words).union(_SHORT.get(language, "").split())
