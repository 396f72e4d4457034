"""Texts as people write them, evened out: blanks, case, accents."""

from pyspark.sql import Column
from pyspark.sql import functions as F

_BLANKS = r"[ \t\n\x0b\f\r\u00a0\u202f]+"  # what \s means differs from engine to engine
_ACCENTED, _PLAIN = "àâäáãçéèêëíìîïñóòôöõúùûüýÿ", "aaaaaceeeeiiiinooooouuuuyy"


def even(text: Column) -> Column:
    """Without blanks at the ends; any run of blanks and line breaks is one blank. Null when nothing is left."""
    flat = F.trim(F.regexp_replace(text, _BLANKS, " "))
    return F.when(flat != "", flat)


def comparable(name: Column) -> Column:
    """A name as lists of names compare it: case and blanks don't count, accents do."""
    return F.lower(even(name))


def plain(text: Column) -> Column:
    """Lower case letters and digits, without accents and punctuation: how spellings of an organ are compared."""
    bare = F.translate(F.replace(F.lower(text), F.lit("œ"), F.lit("oe")), _ACCENTED, _PLAIN)
    return even(F.regexp_replace(bare, "[^a-z0-9]+", " "))


def capitalised(text: Column) -> Column:
    """Each word that follows a blank with a capital, the rest small: Spark's `initcap`. Sail's begins words at other signs, too."""
    words = F.split(F.lower(text), " ")
    return F.array_join(F.transform(words, lambda w: F.concat(F.upper(F.substring(w, 1, 1)), F.substring(w, 2, 1_000_000))), " ")
