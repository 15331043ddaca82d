"""Which words of a prompt say something about what it asks for: groups of words, and phrases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

GROUPS: Final[Mapping[str, str]] = {
    "negations": "not except false incorrect least never nor cannot without",
    "conditions": "if unless when whenever suppose assume given let",
    "fractions": "half third quarter fraction fractions thirds quarters halves fifth fourth percent percentage",
    "multiples": "twice double doubled triple tripled thrice times dozen pair",
    "comparisons": "more less fewer than greater larger smaller older younger longer shorter",
    "totals": "total altogether sum combined all both together",
    "remainders": "remaining left rest leftover remainder",
    "rates": "each every per average mean ratio rate speed",
    "counts": "one two three four five six seven eight nine ten twelve twenty hundred thousand million",
    "money": "dollar dollars cents cost costs price pay paid spend spent earn earns buy buys sell sells profit",
    "time": "day days week weeks month months year years hour hours minute minutes today yesterday tomorrow",
    "people": "he she they his her their him them",
    "proof": "prove proof theorem lemma derive deduce therefore hence implies integral derivative matrix polynomial"
    " integrate differentiate irrational contradiction induction",
    "maths": "equation solve calculate compute evaluate simplify integer integers triangle circle probability graph"
    " angle radius prime primes divisible root roots square value modulo factor degree",
    "reasoning": "why explain explains reason because cause step steps puzzle clue clues logic infer conclude"
    " argument deduction compare analyze assess justify",
    "design": "design architecture distributed concurrent asynchronous optimize scalable refactor algorithm"
    " trade-offs tradeoffs complexity framework strategy comprehensive",
    "code": "def return import class function python javascript java sql code assert bug compile regex api script"
    " int str print lambda unittest html css bash debug implement self void const",
    "places": "who where when which whose",
    "writing": "write essay story poem blog email letter article draft compose rewrite slogan tweet song speech"
    " paragraph creative persuasive tone",
    "summary": "summarize summarise summary summarization tldr condense shorten gist recap abridge",
    "translation": "translate translation translated english french spanish german chinese japanese italian"
    " portuguese russian korean arabic hindi",
    "extraction": "extract extraction list fields json entities csv table parse identify mention mentioned mentions",
    "classification": "classify classification categorize categorise category categories label labels sentiment"
    " positive negative neutral spam",
    "chat": "hi hello hey thanks thank please you your yes ok okay sorry good morning",
    "passage": "passage author text according paragraph writer story",
    "medical": "patient year-old blood disease pain symptoms history treatment physician hospital examination",
    "law": "court law defendant plaintiff state statute contract rights legal liable crime property constitutional",
    "science": "energy cell cells force mass velocity acid water electron protein gene reaction temperature",
    "commerce": "company market demand supply firm tax rate interest economy policy income goods",
}
"""Group → its words, in lower case; a prompt's tokens are looked up, so a word may not hold a blank."""

INTENTS: Final = ("writing", "summary", "translation", "extraction", "classification", "chat")
"""Groups that say what is wanted only where it is said: among a prompt's first and last tokens."""

PHRASES: Final[Mapping[str, tuple[str, ...]]] = {
    "asks which of these": ("which of the following", "which one of the following", "which of these"),
    "asks how many": ("how many", "how much", "how long", "how far"),
    "asks for all or none": ("all of the", "none of the", "neither ", "both i and", "i and ii"),
    "asks about a passage": ("according to", "the passage", "the author", "the text"),
    "asks to think": ("step by step", "careful thought", "explain why", "think through", "show your work"),
}
"""Feature → what is counted in the lower-cased text."""

_SUBJECTS: Final = tuple(group for group in GROUPS if group not in INTENTS)
ORDER: Final = (*_SUBJECTS, *INTENTS)
MEMBER: Final[Mapping[bytes, int]] = {
    word.encode(): ORDER.index(group) for group in reversed(_SUBJECTS) for word in GROUPS[group].split()
}
"""Token → the place in `ORDER` of the first group that has it, of those that count anywhere."""
INTENT: Final[Mapping[bytes, int]] = {
    word.encode(): ORDER.index(group) for group in reversed(INTENTS) for word in GROUPS[group].split()
}
"""The same for `INTENTS`."""
