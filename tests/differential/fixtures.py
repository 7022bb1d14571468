#!/usr/bin/env python3
"""Writes ``fixtures/schema/valid`` and ``fixtures/schema/invalid``: one small message per rule of
``work-item.xsd``, each limit at n-1, n and n+1. The messages are stored because other tests read
them; run this after a change of the schema and read the diff.

Every table names the message, then the value. What is valid and what is not is said here, by hand;
``differential.py`` holds the engines and the daemon to it.
"""

from __future__ import annotations

import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2] / "fixtures" / "schema"
NS = 'xmlns="urn:anteroom:work-item:1"'
XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
ASTRAL = "\U0001f600"
ID = "01934d3c-7d2a-7c31-9f44-0a8b6c2e1d55"
SERVICE = "<service>loans</service>"
VALID, INVALID = "valid", "invalid"


def create(inner: str = "", attributes: str = 'reference="LN-4711"', service: str = SERVICE) -> str:
    """A workItem with a service and what is given."""
    return f"<workItem {NS} {attributes}>{service}{inner}</workItem>\n"


def update(inner: str = "", attributes: str = 'reference="LN-4711"') -> str:
    """An update of one item."""
    return f"<update {NS} {attributes}>{inner}</update>\n"


def element(name: str):
    """A message around the text of one child of workItem."""
    return lambda value: create(f"<{name}>{value}</{name}>")


def listed(parent: str, child: str):
    """A message around a list of that many children."""
    return lambda count: create(f"<{parent}>{child * count}</{parent}>")


def attached(text: str = "AA==", name: str = "a.pdf", media: str = "application/pdf", more: str = "") -> str:
    """A message with one attachment."""
    return create(f'<attachments><attachment name="{name}" mediaType="{media}"{more}>{text}'
                  "</attachment></attachments>")


def linked(href: str = "https://crm.example/1", name: str = "Loan") -> str:
    """A message with one link."""
    return create(f'<links><link name="{name}" href="{href}"/></links>')


def keyed(key: str = "workItemTask", value: str = "Call back") -> str:
    """A message with one item of contact data."""
    return create(f'<contactData><item key="{key}">{value}</item></contactData>')


def batch(count: int) -> str:
    """A workItems of that many items."""
    items = "".join(f'<workItem reference="{at}">{SERVICE}</workItem>' for at in range(count))
    return f"<workItems {NS}>{items}</workItems>\n"


def lengths(name: str, make, low: int, high: int, char: str = "x"):
    """The limits of a length: n-1, n, n+1 at the top, and 0 and 1 at the bottom."""
    for length in sorted({0, 1, high - 1, high, high + 1}):
        yield (VALID if low <= length <= high else INVALID,
               f"{name}-of-{length}-characters", make(char * length))


def counts(name: str, make, low: int, high: int):
    """The limits of a list."""
    for count in sorted({0, 1, high - 1, high, high + 1}):
        yield VALID if low <= count <= high else INVALID, f"{name}-of-{count}", make(count)


def table(folder: str, make, **messages):
    """One message per entry, all judged alike."""
    for name, value in messages.items():
        yield folder, name.replace("_", "-"), make(value)


def whole(value: str) -> str:
    """The value is the message."""
    return value


def verbs():
    """Each verb, with and without everything it may carry."""
    yield from table(
        VALID, whole,
        create_least=create(),
        create_with_prefix=f'<w:workItem xmlns:w="urn:anteroom:work-item:1" reference="r">'
                           "<w:service>loans</w:service></w:workItem>",
        create_everything=create(EVERYTHING + "<skills><skill level=\"3\" optional=\"true\">mortgage"
                                 "</skill></skills><taskType>loan</taskType><origin>web</origin>"
                                 "<notBefore>2026-11-21T08:00:00+01:00</notBefore>"
                                 "<relatedTo>LN-4710</relatedTo>",
                                 'reference="LN-4711" dryRun="true" chargeable="false"'),
        create_in_reverse_order=create("<title>t</title>" + SERVICE, service=""),
        create_with_comments=create("<!-- a --><title>a<!-- b -->b</title><?c d?>"),
        create_with_cdata=create("<title><![CDATA[<5 & >4]]></title>"),
        create_with_references=create("<title>&#x1F600; &lt;&amp;&gt;&quot;&apos;</title>"),
        create_with_empty_lists=create("<tags/><links/><skills/><preferredAgents/><contactData/>"
                                       "<attachments/><customer/>"),
        create_of_blank_work_item_key=keyed(value=" "),
        update_by_id=update("<priority>7</priority>", f'id="{ID}" ifVersion="3" requestId="q1"'),
        update_by_upper_case_id=update("", f'id="{ID.upper()}"'),
        update_everything=update(EVERYTHING),
        update_nothing=update(),
        update_empties_a_list=update("<tags/>"),
        cancel_by_id=f'<cancel {NS} id="{ID}"/>',
        cancel_with_reason=f'<cancel {NS} reference="LN-4711"><reason>Paid</reason></cancel>',
        query_by_reference=f'<query {NS} reference="LN-4711"/>',
        query_since=f'<query {NS} since="c1" state="ended"/>',
        query_nothing=f"<query {NS}/>",
        query_with_white_space=f"<query {NS}>\n  <!-- nothing -->\n</query>",
        query_services=f"<queryServices {NS}/>",
        query_one_service=f'<queryServices {NS} service="loans"/>',
        query_limits=f"<queryLimits {NS}/>",
        ping=f"<ping {NS}/>",
        ping_with_white_space=f"<ping {NS}> \n</ping>",
    )
    yield from table(
        INVALID, whole,
        root_without_namespace='<workItem reference="r"><service>loans</service></workItem>',
        root_of_another_version='<ping xmlns="urn:anteroom:work-item:2"/>',
        root_that_is_no_verb=f"<service {NS}>loans</service>",
        root_that_is_an_answer=f'<pong {NS} time="2026-11-20T14:03:11.250Z" version="1"/>',
        root_in_upper_case=f"<Ping {NS}/>",
        child_without_namespace=create('<title xmlns="">t</title>'),
        create_without_service=create(service=""),
        create_without_reference=create(attributes=""),
        create_with_two_services=create(SERVICE),
        create_with_two_titles=create("<title>a</title><title>b</title>"),
        create_with_unknown_element=create("<subject>t</subject>"),
        create_with_unknown_attribute=create(attributes='reference="r" ref="x"'),
        create_with_xml_lang=create(attributes='reference="r" xml:lang="sv"'),
        create_with_id=create(attributes=f'reference="r" id="{ID}"'),
        create_with_nil=create(attributes=f'reference="r" {XSI} xsi:nil="true"'),
        create_with_text=create("text"),
        create_with_no_break_space=create("\u00a0"),
        create_with_lifetime_and_expiry=create(
            "<lifetime>PT1H</lifetime><expiresAt>2026-11-20T14:03:11Z</expiresAt>"),
        update_with_lifetime_and_expiry=update(
            "<expiresAt>2026-11-20T14:03:11Z</expiresAt><lifetime>PT1H</lifetime>"),
        update_of_service=update(SERVICE),
        update_of_skills=update("<skills/>"),
        update_of_task_type=update("<taskType>loan</taskType>"),
        update_by_short_id=update("", f'id="{ID[:-1]}"'),
        update_if_version_zero=update("", 'reference="r" ifVersion="0"'),
        update_if_version_signed=update("", 'reference="r" ifVersion="+1"'),
        update_of_empty_request_id=update("", 'reference="r" requestId=""'),
        cancel_with_two_reasons=f'<cancel {NS} id="{ID}"><reason/><reason/></cancel>',
        query_with_content=f'<query {NS} id="{ID}">x</query>',
        query_of_unknown_state=f'<query {NS} state="waiting"/>',
        query_of_empty_cursor=f'<query {NS} since=""/>',
        query_services_of_wrong_name=f'<queryServices {NS} service="a b"/>',
        query_services_with_child=f"<queryServices {NS}>{SERVICE}</queryServices>",
        query_limits_with_attribute=f'<queryLimits {NS} service="loans"/>',
        ping_with_no_break_space=f"<ping {NS}>\u00a0</ping>",
        ping_with_text=f"<ping {NS}>x</ping>",
        batch_of_something_else=f"<workItems {NS}><update reference='r'/></workItems>",
        batch_with_text=f"<workItems {NS}>x<workItem reference='r'>{SERVICE}</workItem></workItems>",
        batch_with_attribute=f"<workItems {NS} dryRun='true'><workItem reference='r'>{SERVICE}"
                             "</workItem></workItems>",
    )


EVERYTHING = (
    "<title>Call Åsa</title><description>First line\n  second line</description>"
    "<priority>9</priority>"
    '<customer id="C-1"><email>asa@example.se</email><phone>+46 8 123</phone><name>Åsa Öberg</name>'
    "<company>Öberg AB</company></customer>"
    '<preferredAgents required="true"><agent rank="1">anna</agent><agent>bo</agent></preferredAgents>'
    "<dueBy>2026-11-24T17:00:00.000Z</dueBy><lifetime>P2DT12H</lifetime>"
    '<links><link name="Loan" href="https://crm.example/loans/4711?tab=1#x"/></links>'
    "<tags><tag>vip</tag><tag>first time</tag></tags>"
    '<contactData><item key="workItemTask">Call back</item><item key="loan.amount"> 1 000 </item>'
    "</contactData>"
    '<attachments><attachment name="offer.pdf" mediaType="application/pdf" sha256="'
    + "0aF9" * 16 + '">QUJD\n  REVG</attachment></attachments>'
)


def limits():
    """Every length and count."""
    reference = lambda value: create(attributes=f'reference="{value}"')
    yield from lengths("reference", reference, 1, 128)
    yield from lengths("astral-reference", reference, 1, 128, ASTRAL)
    yield from lengths("service", lambda name: create(service=f"<service>{name}</service>"), 1, 32)
    yield from lengths("title", element("title"), 1, 200)
    yield from lengths("astral-title", element("title"), 1, 200, ASTRAL)
    yield from lengths("description", element("description"), 0, 8000)
    yield from lengths("description-of-spaces", element("description"), 0, 8000, " ")
    yield from lengths("task-type", element("taskType"), 1, 64)
    yield from lengths("origin", element("origin"), 1, 64)
    yield from lengths("related-to", element("relatedTo"), 1, 128)
    customer = lambda name: lambda value: create(f"<customer><{name}>{value}</{name}></customer>")
    yield from lengths("customer-id", lambda value: create(f'<customer id="{value}"/>'), 1, 128)
    yield from lengths("customer-name", customer("name"), 0, 100)
    yield from lengths("customer-company", customer("company"), 0, 100)
    yield from lengths("customer-phone", customer("phone"), 0, 40)
    yield from lengths("customer-email", customer("email"), 0, 254)
    yield from lengths("agent", lambda value: create(
        f"<preferredAgents><agent>{value}</agent></preferredAgents>"), 1, 64)
    yield from lengths("skill", lambda value: create(f"<skills><skill>{value}</skill></skills>"), 1, 64)
    yield from lengths("tag", lambda value: create(f"<tags><tag>{value}</tag></tags>"), 1, 64, "ö")
    yield from lengths("link-name", lambda value: linked(name=value), 1, 100)
    for length in (1999, 2000, 2001):
        yield (VALID if length <= 2000 else INVALID, f"href-of-{length}-characters",
               linked("http://a/" + "x" * (length - 9)))
    yield from lengths("key", lambda value: keyed(value), 1, 100)
    yield from lengths("contact-data-value", lambda value: keyed(value=value), 0, 1024)
    yield from lengths("file-name", lambda value: attached(name=value), 1, 255)
    for length in (126, 127, 128):
        yield (VALID if length <= 127 else INVALID, f"media-type-of-{length}-characters",
               attached(media="a/" + "b" * (length - 2)))
    yield from lengths("cancel-reason", lambda value:
                       f'<cancel {NS} id="{ID}"><reason>{value}</reason></cancel>\n', 0, 1000)
    yield from lengths("request-id", lambda value: update("", f'reference="r" requestId="{value}"'), 1, 128)
    yield from lengths("cursor", lambda value: f'<query {NS} since="{value}"/>\n', 1, 128)
    yield from lengths("address-reference", lambda value: update("", f'reference="{value}"'), 1, 128)
    yield from counts("agents", listed("preferredAgents", "<agent>a</agent>"), 0, 10)
    yield from counts("skills", listed("skills", "<skill>a</skill>"), 0, 10)
    yield from counts("links", listed("links", '<link name="a" href="http://a"/>'), 0, 10)
    yield from counts("tags", listed("tags", "<tag>a</tag>"), 0, 20)
    yield from counts("attachments", listed("attachments", '<attachment name="a" mediaType="a/b"/>'), 0, 10)
    yield from counts("contact-data", lambda count: create("<contactData>" + "".join(
        f'<item key="k{at}"/>' for at in range(count)) + "</contactData>"), 0, 50)
    yield from counts("batch", batch, 1, 1000)


def states():
    """Each state that a query may ask for."""
    for state in ("scheduled", "inWorkflow", "buffered", "queued", "offered", "connected", "parked",
                  "ended"):
        yield VALID, f"query-of-state-{state}", f'<query {NS} state="{state}"/>\n'


def numbers():
    """Integers and booleans."""
    version = lambda value: update("", f'reference="r" ifVersion="{value}"')
    yield from table(VALID, version, version_1="1", version_99999999="99999999", version_999999999="999999999")
    yield from table(INVALID, version, version_1000000000="1000000000", version_leading_zero="01")
    rank = lambda value: create(f'<preferredAgents><agent rank="{value}">a</agent></preferredAgents>')
    level = lambda value: create(f'<skills><skill level="{value}">a</skill></skills>')
    dry_run = lambda value: create(attributes=f'reference="r" dryRun="{value}"')
    yield from table(VALID, element("priority"), priority_0="0", priority_9="9", priority_padded="\n 5 ")
    yield from table(INVALID, element("priority"), priority_10="10", priority_negative="-1",
                     priority_signed="+5", priority_leading_zeros="005", priority_minus_zero="-0",
                     priority_empty="", priority_decimal="5.0", priority_arabic_digit="٥",
                     priority_no_break_space="\u00a05")
    yield from table(VALID, rank, rank_1="1", rank_98="98", rank_99="99")
    yield from table(INVALID, rank, rank_0="0", rank_100="100", rank_leading_zero="01")
    yield from table(VALID, level, level_1="1", level_8="8", level_9="9")
    yield from table(INVALID, level, level_0="0", level_10="10", level_empty="")
    yield from table(VALID, dry_run, boolean_true="true", boolean_0="0", boolean_padded=" 1 ")
    yield from table(INVALID, dry_run, boolean_upper_case="TRUE", boolean_yes="yes", boolean_empty="")


def times():
    """Times and durations."""
    yield from table(
        VALID, element("dueBy"),
        time_of_year_2000="2000-01-01T00:00:00Z", time_of_year_2999="2999-12-31T23:59:59Z",
        time_with_fraction="2026-11-20T14:03:11.123456789Z", time_with_offset="2026-11-20T14:03:11-13:59",
        time_at_greatest_offset="2026-11-20T14:03:11+14:00", time_padded=" 2026-11-20T14:03:11Z\n",
        time_on_1_february="2026-02-01T12:00:00Z", time_on_28_february="2026-02-28T12:00:00Z",
        time_on_leap_day="2028-02-29T12:00:00Z", time_on_leap_day_2400="2400-02-29T12:00:00Z",
        time_on_31_december="2026-12-31T12:00:00Z", time_on_30_april="2026-04-30T12:00:00Z",
    )
    yield from table(
        INVALID, element("dueBy"),
        time_of_year_1999="1999-12-31T23:59:59Z", time_of_year_3000="3000-01-01T00:00:00Z",
        time_without_offset="2026-11-20T14:03:11", time_without_seconds="2026-11-20T14:03Z",
        time_of_hour_24="2026-11-20T24:00:00Z", time_of_minute_60="2026-11-20T14:60:00Z",
        time_of_second_60="2026-11-20T23:59:60Z", time_beyond_greatest_offset="2026-11-20T14:03:11+14:01",
        time_with_10_digits="2026-11-20T14:03:11.1234567890Z", time_with_empty_fraction="2026-11-20T14:03:11.Z",
        time_with_comma="2026-11-20T14:03:11,5Z", time_in_lower_case="2026-11-20t14:03:11z",
        time_with_space="2026-11-20 14:03:11Z", time_on_no_leap_day="2026-02-29T12:00:00Z",
        time_on_no_leap_day_2100="2100-02-29T12:00:00Z", time_on_31_april="2026-04-31T12:00:00Z",
        time_on_32_december="2026-12-32T12:00:00Z", time_of_month_13="2026-13-01T12:00:00Z",
        time_of_month_0="2026-00-01T12:00:00Z", time_of_day_0="2026-11-00T12:00:00Z",
        time_empty="", time_date_only="2026-11-20",
    )
    for name in ("notBefore", "expiresAt"):
        yield VALID, f"create-{name}", element(name)("2026-11-20T14:03:11Z")
        yield INVALID, f"create-{name}-of-a-date", element(name)("2026-11-20")
    for name, right, wrong in (
        ("title", "t", ""), ("description", "", "x" * 8001), ("priority", "0", "10"),
        ("dueBy", "2026-11-20T14:03:11Z", "2026-11-20"), ("lifetime", "PT1H", "P1Y"),
        ("expiresAt", "2026-11-20T14:03:11Z", "2026-11-20"),
    ):
        yield VALID, f"update-{name}", update(f"<{name}>{right}</{name}>")
        yield INVALID, f"update-{name}-out-of-range", update(f"<{name}>{wrong}</{name}>")
    yield from table(
        VALID, element("lifetime"),
        duration_of_days="P14D", duration_of_seconds="PT1S", duration_of_all="P1DT2H3M4S",
        duration_of_6_digits="PT999999S", duration_with_zero_part="P0DT1S", duration_with_zeros="PT007M",
    )
    yield from table(
        INVALID, element("lifetime"),
        duration_of_nothing="P", duration_of_no_time="PT", duration_ending_in_t="P1DT",
        duration_zero="PT0S", duration_zero_days="P0D", duration_of_7_digits="PT1000000S",
        duration_of_years="P1Y", duration_of_months="P1M", duration_of_weeks="P1W",
        duration_negative="-PT1H", duration_signed="+PT1H", duration_fraction="PT1.5S",
        duration_in_wrong_order="PT1S1H", duration_hours_before_t="P1H", duration_in_lower_case="pt1h",
        duration_empty="",
    )


def patterns():
    """Names, addresses, file names, digests, base64, keys."""
    service = lambda name: create(service=f"<service>{name}</service>")
    yield from table(VALID, service, service_of_all_characters="Az09._-", service_padded="\n  loans\n  ")
    yield from table(INVALID, service, service_with_space="a b", service_with_letter_outside="lån",
                     service_with_slash="a/b", service_with_no_break_space="loans\u00a0")
    yield from table(
        VALID, linked,
        href_plain="http://a", href_with_port="https://crm.example:8443/a/b?c=d&amp;e=[f]#g",
        href_with_letter_outside="https://crm.example/Åberg", href_with_ipv6="http://[::1]/",
        href_with_astral=f"http://a/{ASTRAL}",
    )
    yield from table(
        INVALID, linked,
        href_empty="", href_without_host="https://", href_with_empty_host="http:///a",
        href_relative="/a", href_of_ftp="ftp://a", href_of_javascript="javascript:alert(1)",
        href_in_upper_case="HTTP://a", href_with_space="http://a/b c", href_with_quote="http://a/&quot;",
        href_with_less_than="http://a/&lt;", href_with_backslash="http://a\\b", href_with_brace="http://a/{b}",
        href_with_control="http://a/&#x85;",
    )
    yield from table(VALID, lambda name: attached(name=name), file_name_with_letters_outside="Ansökan 1.pdf",
                     file_name_beginning_with_dots="..a", file_name_astral=ASTRAL)
    yield from table(INVALID, lambda name: attached(name=name), file_name_of_one_dot=".",
                     file_name_of_two_dots="..", file_name_with_slash="a/b", file_name_with_backslash="a\\b",
                     file_name_with_delete="a&#x7F;")
    yield from table(VALID, lambda media: attached(media=media), media_type_with_suffix="image/svg+xml")
    yield from table(INVALID, lambda media: attached(media=media), media_type_empty="",
                     media_type_without_subtype="text/", media_type_without_slash="pdf",
                     media_type_with_parameter="text/plain; charset=utf-8", media_type_wildcard="*/*")
    digest = lambda value: attached(more=f' sha256="{value}"')
    yield from table(VALID, digest, sha256_in_lower_case="0a" * 32, sha256_in_upper_case="0A" * 32)
    yield from table(INVALID, digest, sha256_of_63="0" * 63, sha256_of_65="0" * 65, sha256_of_other_letters="g" * 64)
    yield from table(VALID, attached, base64_empty="", base64_padded_twice="AA==", base64_padded_once="AAA=",
                     base64_with_white_space=" A A\n=\t= ", base64_in_lines="QUJD\nREVG\n")
    yield from table(INVALID, attached, base64_of_one="A", base64_unpadded="AA", base64_of_url_alphabet="A-_A",
                     base64_with_bits_left="AB==", base64_after_padding="AA==AAAA", base64_padding_only="====")
    yield from table(
        INVALID, whole,
        key_twice=create('<contactData><item key="a"/><item key="a">b</item></contactData>'),
        key_twice_in_update=update('<contactData><item key="a"/><item key="a"/></contactData>'),
        key_twice_after_collapsing=create('<contactData><item key="a"/><item key=" a "/></contactData>'),
        key_missing=create("<contactData><item>a</item></contactData>"),
        key_with_space=keyed("a b"), key_with_letter_outside=keyed("nyckel-å"),
        link_without_name=create('<links><link href="http://a"/></links>'),
        link_without_href=create('<links><link name="a"/></links>'),
        link_with_content=create('<links><link name="a" href="http://a">x</link></links>'),
        attachment_without_name=create('<attachments><attachment mediaType="a/b"/></attachments>'),
        attachment_without_media_type=create('<attachments><attachment name="a"/></attachments>'),
        tags_with_text=create("<tags>vip</tags>"), tags_with_other_child=create("<tags><item/></tags>"),
        title_with_child=create("<title><b>t</b></title>"), title_blank=create("<title> \n </title>"),
        customer_with_two_names=create("<customer><name>a</name><name>b</name></customer>"),
        customer_of_empty_id=create('<customer id=""/>'),
    )
    yield from table(VALID, whole, keys_that_differ_in_case=create(
        '<contactData><item key="a"/><item key="A"/></contactData>'),
        title_collapsed=create(f"<title>  {'x  ' * 100}\n</title>"),
        title_of_no_break_space=create("<title>&#xA0;</title>"))


def encodings():
    """The same message in every encoding, as bytes."""
    for name, codec, mark in (
        ("utf-8", "utf-8", b""), ("UTF-8", "utf-8", b"\xef\xbb\xbf"),
        ("utf-16", "utf-16-le", b"\xff\xfe"), ("UTF-16", "utf-16-be", b"\xfe\xff"),
        ("iso-8859-1", "iso-8859-1", b""), ("iso-8859-15", "iso-8859-15", b""),
        ("windows-1252", "windows-1252", b""),
    ):
        text = f'<?xml version="1.0" encoding="{name}"?>\n' + create("<title>Åsa Öberg, é</title>")
        title = f"encoding-{codec}" + ("-with-mark" if mark else "")
        yield VALID, title, mark + text.encode(codec)
        long = text.replace("Åsa", "Å" * 201)
        yield INVALID, f"{title}-title-too-long", mark + long.encode(codec)
    euro = '<?xml version="1.0" encoding="{}"?>\n' + create("<title>€ 1.000</title>")
    for name in ("iso-8859-15", "windows-1252"):
        yield VALID, f"encoding-{name}-euro", euro.format(name).encode(name)


def main() -> None:
    for folder in (VALID, INVALID):
        shutil.rmtree(ROOT / folder, ignore_errors=True)
        (ROOT / folder).mkdir(parents=True)
    names: set[str] = set()
    for part in (verbs, limits, states, numbers, times, patterns, encodings):
        for folder, name, content in part():
            if name in names:
                raise ValueError(f"two messages are called {name}")
            names.add(name)
            data = content if isinstance(content, bytes) else content.encode()
            (ROOT / folder / f"{name}.xml").write_bytes(data)
    print(f"{len(names)} messages in {ROOT}")


if __name__ == "__main__":
    main()
