//! What the whole layer accepts, delivers and refuses. Rules of a single part are tested beside it.

use super::*;
use crate::domain::code::Code;
use crate::wire::error::WireError;
use rstest::rstest;

/// The events in a short notation: `<name`, `'text'`, `>` for an end.
fn events(text: &str) -> Result<String, WireError> {
    let mut reader = StrictReader::new(text, XmlLimits::default());
    let mut seen = Vec::new();
    loop {
        seen.push(match reader.next()? {
            XmlEvent::Start(tag) => {
                let attributes = tag.attributes.iter();
                let attributes = attributes.map(|a| format!(" {}={:?}", a.qname, a.value));
                format!("<{}{}", tag.qname, attributes.collect::<String>())
            }
            XmlEvent::Text(text) => format!("{text:?}"),
            XmlEvent::End { .. } => ">".to_owned(),
            XmlEvent::Eof => return Ok(seen.join(" ")),
        });
    }
}

fn refusal(text: &str) -> WireError {
    match events(text) {
        Ok(seen) => panic!("{text:?} was accepted as {seen}"),
        Err(error) => error,
    }
}

/// Line and column of the `malformedXml` refusal.
fn malformed_at(text: &str) -> (u32, u32) {
    let error = refusal(text);
    assert_eq!(error.code, Code::MalformedXml, "{text:?}: {error:?}");
    let position = error
        .position
        .expect("a malformed document is so somewhere");
    (position.line, position.column)
}

fn first_tag<'a>(text: &'a str) -> StartTag<'a> {
    match StrictReader::new(text, XmlLimits::default()).next() {
        Ok(XmlEvent::Start(tag)) => tag,
        other => panic!("{text:?} begins with {other:?}"),
    }
}

#[rstest]
#[case::smallest("<a/>", "<a >")]
#[case::pair("<a></a>", "<a >")]
#[case::space_in_tags("<a ></a\n>", "<a >")]
#[case::space_before_slash("<a />", "<a >")]
#[case::nested("<a><b/><c>x</c></a>", "<a <b > <c \"x\" > >")]
#[case::around(
    "<?xml version='1.0'?> <!-- c --> <?p?>\n<a/>\n<!----><?p d?> ",
    "<a >"
)]
#[case::entities("<a>1&lt;2&#x33;</a>", "<a \"1\" \"<\" \"2\" \"3\" >")]
#[case::cdata("<a><![CDATA[<&]]&amp;]]></a>", "<a \"<&]]&amp;\" >")]
#[case::cdata_empty("<a><![CDATA[]]></a>", "<a >")]
#[case::cdata_brackets("<a><![CDATA[]]]]]]></a>", "<a \"]]]]\" >")]
#[case::comment_parts_text("<a>x<!-- - -->y<?p x?>z</a>", "<a \"x\" \"y\" \"z\" >")]
#[case::brackets("<a>]] > ]]&gt; ></a>", "<a \"]] > ]]\" \">\" \" >\" >")]
#[case::line_ends("<a>1\r\n2\r3\n4&#13;</a>", "<a \"1\\n2\\n3\\n4\" \"\\r\" >")]
#[case::cdata_line_ends("<a><![CDATA[\r\n\r]]></a>", "<a \"\\n\\n\" >")]
#[case::version_1_7("<?xml version='1.7'?><a/>", "<a >")]
#[case::attributes("<a b='1' c = \"2\"\n d='\"'/>", "<a b=\"1\" c=\"2\" d=\"\\\"\" >")]
#[case::greater_in_value("<a b='/>'>x</a>", "<a b=\"/>\" \"x\" >")]
#[case::value_spaces("<a b='1\t2\n3\r\n4\r5  '/>", "<a b=\"1 2 3 4 5  \" >")]
#[case::value_references("<a b='&#10;&#9;&#x20;&lt;&quot;'/>", "<a b=\"\\n\\t <\\\"\" >")]
#[case::wide_names("<语言 ключ='значение'/>", "<语言 ключ=\"значение\" >")]
#[case::c1_controls("<a>\u{80}\u{9F}\u{7F}</a>", "<a \"\\u{80}\\u{9f}\\u{7f}\" >")]
#[case::xml_prefix("<a xml:lang='sv'/>", "<a xml:lang=\"sv\" >")]
#[case::instruction_like_declaration("<?xml-stylesheet href='x'?><a/>", "<a >")]
fn well_formed_documents_are_delivered(#[case] text: &str, #[case] expected: &str) {
    assert_eq!(events(text).as_deref(), Ok(expected));
}

#[rstest]
#[case::empty("", 1, 1)]
#[case::only_space(" \n ", 2, 2)]
#[case::only_comment("<!-- x -->", 1, 11)]
#[case::only_declaration("<?xml version='1.0'?>", 1, 22)]
#[case::text_before_root("x<a/>", 1, 1)]
#[case::text_after_root("<a/>\n x", 2, 2)]
#[case::reference_before_root("&#32;<a/>", 1, 1)]
#[case::reference_after_root("<a/>&#32;", 1, 5)]
#[case::cdata_before_root("<![CDATA[]]><a/>", 1, 1)]
#[case::cdata_after_root("<a/><![CDATA[]]>", 1, 5)]
#[case::wide_space_outside_root("<a/>\u{A0}", 1, 5)]
#[case::two_roots("<a/><b/>", 1, 5)]
#[case::same_root_twice("<a></a>\n<a></a>", 2, 1)]
#[case::end_after_root("<a/></a>", 1, 5)]
#[case::end_first("</a>", 1, 1)]
#[case::unclosed("<a>\n<b>", 2, 1)]
#[case::unclosed_outer("<a>\n<b></b>", 1, 1)]
#[case::mismatched("<a>\n</b>", 2, 1)]
#[case::mismatched_case("<a></A>", 1, 4)]
#[case::crossed("<a><b></a></b>", 1, 7)]
#[case::end_with_attribute("<a></a b='1'>", 1, 4)]
#[case::end_with_space_first("<a></ a>", 1, 4)]
#[case::end_without_name("<a></>", 1, 4)]
#[case::end_unfinished("<a></a", 1, 4)]
#[case::end_by_other_prefix("<p:a xmlns:p='u' xmlns:q='u'></q:a>", 1, 30)]
#[case::tag_unfinished("<a><b", 1, 4)]
#[case::tag_unfinished_at_attribute("<a b='1'", 1, 1)]
#[case::tag_without_name("<a><></a>", 1, 4)]
#[case::tag_with_space_first("<a>< b/></a>", 1, 4)]
#[case::lone_less_than("<a>1 < 2</a>", 1, 6)]
#[case::less_than_at_end("<a></a><", 1, 8)]
#[case::digit_name("<1a/>", 1, 1)]
#[case::dash_name("<-a/>", 1, 1)]
#[case::colon_name("<:a/>", 1, 1)]
#[case::two_colons("<a:b:c xmlns:a='u'/>", 1, 5)]
#[case::colon_at_end("<a: xmlns:a='u'/>", 1, 3)]
#[case::bad_name_inside("<a×/>", 1, 3)]
#[case::tag_in_tag("<a <b/>", 1, 4)]
#[case::slash_in_tag("<a / >", 1, 4)]
#[case::slash_before_attribute("<a/ b='1'>", 1, 3)]
#[case::bracket_end_in_text("<a>x]]>y</a>", 1, 5)]
#[case::bracket_end_only("<a>]]></a>", 1, 4)]
#[case::bare_ampersand("<a>b & c</a>", 1, 6)]
#[case::ampersand_at_end("<a>&", 1, 4)]
#[case::ampersand_before_tag("<a>&amp<b/></a>", 1, 4)]
#[case::ampersand_twice("<a>&&amp;</a>", 1, 4)]
#[case::undeclared_entity("<a>\n&nbsp;</a>", 2, 1)]
#[case::illegal_reference("<a>&#0;</a>", 1, 4)]
#[case::lone_double_hyphen("<a><!-- x -- y --></a>", 1, 11)]
#[case::comment_ends_in_three("<a><!-- x ---></a>", 1, 11)]
#[case::comment_too_short("<a><!--></a>", 1, 4)]
#[case::comment_too_short_by_one("<a><!---></a>", 1, 4)]
#[case::comment_unfinished("<a><!-- x", 1, 4)]
#[case::cdata_unfinished("<a><![CDATA[x]]</a>", 1, 4)]
#[case::cdata_small_letters("<a><![cdata[x]]></a>", 1, 4)]
#[case::cdata_with_space("<a><![ CDATA[x]]></a>", 1, 4)]
#[case::cdata_short("<a><![CDATA]]></a>", 1, 4)]
#[case::unknown_markup("<a><!ELEMENT a ANY></a>", 1, 4)]
#[case::bang_at_end("<a><!", 1, 4)]
#[case::doctype_small_letters("<!doctype a><a/>", 1, 1)]
#[case::instruction_without_name("<? x?><a/>", 1, 1)]
#[case::instruction_empty("<??><a/>", 1, 1)]
#[case::instruction_short("<?><a/>", 1, 1)]
#[case::instruction_unfinished("<a/><?p x>", 1, 5)]
#[case::instruction_bad_name("<?1 x?><a/>", 1, 1)]
#[case::instruction_without_space("<?p+x?><a/>", 1, 1)]
#[case::instruction_with_colon("<?p:q x?><a/>", 1, 1)]
#[case::instruction_xml("<a/><?xml?>", 1, 5)]
#[case::instruction_xml_capitals("<?XML version='1.0'?><a/>", 1, 1)]
#[case::instruction_xml_mixed("<a><?xMl?></a>", 1, 4)]
#[case::declaration_late(" <?xml version='1.0'?><a/>", 1, 2)]
#[case::declaration_twice("<?xml version='1.0'?><?xml version='1.0'?><a/>", 1, 22)]
#[case::declaration_inside("<a><?xml version='1.0'?></a>", 1, 4)]
#[case::declaration_bad("<?xml version='1.0' standalone='y'?><a/>", 1, 21)]
#[case::declaration_unfinished("<?xml version='1.0'><a/>", 1, 1)]
#[case::second_byte_order_mark("\u{FEFF}<a/>", 1, 1)]
#[case::late_byte_order_mark("<a/>\u{FEFF}", 1, 5)]
fn ill_formed_documents_are_refused_where_they_are_wrong(
    #[case] text: &str,
    #[case] line: u32,
    #[case] column: u32,
) {
    assert_eq!(
        malformed_at(text),
        (line, column),
        "{text:?}: {}",
        refusal(text).message
    );
}

#[rstest]
#[case::text("<a>x\u{1}</a>", 5)]
#[case::cdata("<a><![CDATA[\u{FFFE}]]></a>", 13)]
#[case::comment("<a><!-- \u{B} --></a>", 9)]
#[case::instruction("<?p \u{FFFF}?><a/>", 5)]
#[case::value("<a b='\u{0}'/>", 7)]
#[case::name("<a\u{8}/>", 3)]
#[case::end_tag("<a></a\u{C}>", 7)]
#[case::outside("<a/>\u{1F}", 5)]
#[case::unfinished("<a b='\u{2}", 7)]
fn illegal_characters_are_refused_everywhere(#[case] text: &str, #[case] column: u32) {
    assert_eq!(malformed_at(text), (1, column));
    assert!(refusal(text).message.contains("U+"), "{:?}", refusal(text));
}

#[test]
fn the_first_fault_is_told_even_if_an_illegal_character_follows() {
    assert_eq!(malformed_at("<a></b>\u{1}"), (1, 4));
}

#[rstest]
#[case::plain("<!DOCTYPE a><a/>")]
#[case::after_declaration("<?xml version='1.0'?><!DOCTYPE a []><a/>")]
#[case::unfinished("<!DOCTYPE a [ <!ENTITY x \"")]
#[case::entities("<!DOCTYPE a [<!ENTITY l 'll'><!ENTITY m '&l;&l;'>]><a>&m;</a>")]
#[case::without_name("<!DOCTYPE>")]
#[case::inside("<a><!DOCTYPE a></a>")]
fn a_document_type_declaration_has_its_own_code(#[case] text: &str) {
    assert_eq!(refusal(text).code, Code::DoctypeRefused);
    assert!(refusal(text).position.is_some());
}

#[test]
fn a_refusal_repeats() {
    let mut reader = StrictReader::new("<a></b>", XmlLimits::default());
    reader.next().expect("the start tag is fine");
    let error = reader.next().expect_err("the end tag is not");
    assert_eq!(reader.next(), Err(error));
}

#[test]
fn the_end_repeats() {
    let mut reader = StrictReader::new("<a/>", XmlLimits::default());
    for _ in 0..2 {
        reader.next().expect("start and end");
    }
    assert_eq!(reader.next(), Ok(XmlEvent::Eof));
    assert_eq!(reader.next(), Ok(XmlEvent::Eof));
}

#[test]
fn offsets_point_at_tags_and_names() {
    let text = "<å>\n <b c='1' d='2'/>x</å>";
    let mut reader = StrictReader::new(text, XmlLimits::default());
    let mut offsets = Vec::new();
    loop {
        match reader.next().expect("a good document") {
            XmlEvent::Start(tag) => {
                offsets.push(tag.offset);
                offsets.extend(tag.attributes.iter().map(|attribute| attribute.offset));
                offsets.push(reader.offset());
            }
            XmlEvent::End { offset } => offsets.push(offset),
            XmlEvent::Text(_) => {}
            XmlEvent::Eof => break,
        }
    }
    let (start, end) = (text.find("<b").unwrap_or(0), text.find("</").unwrap_or(0));
    let after = text.find("/>").unwrap_or(0) + 2;
    assert_eq!(
        offsets,
        [0, 4, start, start + 3, start + 9, after, start, end]
    );
}

#[test]
fn text_is_borrowed_unless_it_must_change() {
    let text = "<a b='x'>y</a>";
    let mut reader = StrictReader::new(text, XmlLimits::default());
    let Ok(XmlEvent::Start(tag)) = reader.next() else {
        panic!("a start tag")
    };
    assert!(matches!(tag.attributes[0].value, Cow::Borrowed("x")));
    assert!(matches!(
        reader.next(),
        Ok(XmlEvent::Text(Cow::Borrowed("y")))
    ));
}

fn limited(text: &str, limits: XmlLimits) -> Result<(), WireError> {
    let mut reader = StrictReader::new(text, limits);
    while reader.next()? != XmlEvent::Eof {}
    Ok(())
}

/// `text` passes at one below and at the limit, and is too large, with that number told, above it.
fn assert_limit(limit: usize, limits: XmlLimits, text: impl Fn(usize) -> String, at: (u32, u32)) {
    assert_eq!(limited(&text(limit - 1), limits), Ok(()));
    assert_eq!(limited(&text(limit), limits), Ok(()));
    let error = limited(&text(limit + 1), limits).expect_err("over the limit");
    assert_eq!(error.code, Code::TooLarge);
    assert!(
        error.message.contains(&limit.to_string()),
        "{}",
        error.message
    );
    let position = error.position.expect("a place");
    assert_eq!((position.line, position.column), at);
}

#[test]
fn depth_is_limited() {
    let nested = |depth: usize| "<a>".repeat(depth) + &"</a>".repeat(depth);
    let limits = XmlLimits::default();
    assert_limit(16, limits, nested, (1, 16 * 3 + 1));
    let empty = |depth: usize| {
        format!(
            "{}<b/>{}",
            "<a>".repeat(depth - 1),
            "</a>".repeat(depth - 1)
        )
    };
    assert_limit(16, limits, empty, (1, 16 * 3 + 1));
}

#[test]
fn elements_are_limited() {
    let flat = |count: usize| format!("<r>\n{}</r>", "<a/>".repeat(count - 1));
    assert_limit(50_000, XmlLimits::default(), flat, (2, 49_999 * 4 + 1));
}

#[test]
fn attributes_are_limited_with_declarations_counted() {
    let limits = XmlLimits::default();
    let plain = |count: usize| {
        let attributes: String = (0..count).map(|index| format!(" a{index}='1'")).collect();
        format!("\n<r{attributes}/>")
    };
    assert_limit(32, limits, plain, (2, 1));
    let declared = |count: usize| {
        let attributes: String = (0..count)
            .map(|index| format!(" xmlns:a{index}='u'"))
            .collect();
        format!("\n<r{attributes}/>")
    };
    assert_limit(32, limits, declared, (2, 1));
}

#[test]
fn a_namespace_is_resolved_for_elements_and_attributes() {
    let tag = first_tag("<p:a xmlns:p='u' xmlns='v' p:b='1' c='2' xml:d='3'/>");
    assert_eq!((tag.local, tag.qname), ("a", "p:a"));
    assert_eq!(tag.namespace.as_ref().map(Namespace::as_str), Some("u"));
    let seen: Vec<_> = tag
        .attributes
        .iter()
        .map(|a| {
            (
                a.namespace.as_ref().map(Namespace::as_str),
                a.local,
                a.qname,
            )
        })
        .collect();
    let xml = Some(super::namespace::XML);
    assert_eq!(
        seen,
        [
            (Some("u"), "b", "p:b"),
            (None, "c", "c"),
            (xml, "d", "xml:d")
        ]
    );
}
