"""vCard: people."""

from __future__ import annotations

from plugins import contacts
from targets import Target
from targets.shared import HERE, Facts, exhaust
from twind.api import SourceFile

CARD = b"""BEGIN:VCARD\r
VERSION:3.0\r
UID:urn:uuid:1\r
N:Lee;Ann;;;\r
FN:Ann Lee\r
ORG:Acme;Sales\r
EMAIL;TYPE=work,pref:Ann <ann@example.org>\r
TEL;TYPE=cell:+49 30 1\r
BDAY:1985-04-15\r
CATEGORIES:a,b\r
item1.X-ABRELATEDNAMES:Bob\r
item1.X-ABLABEL:_$!<Spouse>!$_\r
RELATED;TYPE=friend:urn:uuid:2\r
NOTE:n\\nn\r
END:VCARD\r
"""
OLD = b"""BEGIN:VCARD
VERSION:2.1
N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:M=C3=BCller;J=
=C3=B6rg
EMAIL;INTERNET:j@example.org
BDAY;X-APPLE-OMIT-YEAR=1604:1604-02-29
X-ANDROID-CUSTOM:vnd.android.cursor.item/relation;Bob;14;;;
AGENT:
BEGIN:VCARD
FN:Agent
END:VCARD
END:VCARD
BEGIN:VCARD
KIND:group
FN:Friends
MEMBER:urn:uuid:1
MEMBER:mailto:j@example.org
X-EVOLUTION-LIST:TRUE
END:VCARD
"""
WORDS = """
BEGIN:VCARD END:VCARD VERSION:2.1 VERSION:4.0 FN: N: ORG: EMAIL TEL BDAY: NOTE: KIND:group
MEMBER: RELATED;VALUE=text: CATEGORIES: ;CHARSET= utf-7 idna hex rot13 unicode_escape
;ENCODING=b ;BASE64: ;QUOTED-PRINTABLE: ;TYPE=pref X-ABLABEL: X-ABRELATEDNAMES: item1. AGENT:
X-ANDROID-CUSTOM:vnd.android.cursor.item/relation; X-APPLE-OMIT-YEAR= _$!< >!$_ --0229
mailto: urn:uuid: X-EVOLUTION-LIST:TRUE X-EVOLUTION-DEST-CONTACT-UID=
"""


def people(data: bytes) -> None:
    """Read cards, and what they say of each other."""
    facts = Facts()
    exhaust(contacts._people(facts.facts, SourceFile(HERE / "c.vcf", data)), facts)


TARGETS = {"contacts": Target(people, (CARD, OLD), WORDS, "vcf/*/*")}
