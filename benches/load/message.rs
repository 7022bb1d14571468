//! The request that is sent over and over, built once; only the digits of references change.

use std::net::SocketAddr;

/// The size of a single `workItem`, as `goals.md` asks.
const BODY_BYTES: usize = 1_024;
/// Digits of a reference that are patched for each request.
const DIGITS: usize = 12;

/// What is posted.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// The service it is for.
    pub service: &'static str,
    /// 1 posts a `workItem`, more post `workItems`.
    pub items: usize,
    /// A lifetime in seconds; with 1 an item in a closed entrance becomes history at once.
    pub lifetime_s: Option<u32>,
}

/// One item for the open service.
pub const SINGLE: Shape = Shape {
    service: "loans",
    items: 1,
    lifetime_s: None,
};

/// A whole HTTP request with the places of its reference digits.
#[derive(Debug, Clone)]
pub struct Request {
    bytes: Vec<u8>,
    digits: Vec<usize>,
}

impl Request {
    /// `run` sets this run's references apart from those of earlier runs on the same data.
    pub fn new(address: SocketAddr, key: &str, shape: Shape, run: u64) -> Request {
        let xmlns = " xmlns=\"urn:anteroom:work-item:1\"";
        let body = match shape.items {
            1 => item(xmlns, shape, run),
            many => format!(
                "<workItems{xmlns}>{}</workItems>",
                item("", shape, run).repeat(many)
            ),
        };
        let head = format!(
            "POST /v1/work-items HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {key}\r\n\
             content-type: application/xml\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let text = head + &body;
        let digits = text.match_indices(&blank()).map(|(at, _)| at).collect();
        Request {
            bytes: text.into_bytes(),
            digits,
        }
    }

    /// How many items one request holds.
    pub fn items(&self) -> usize {
        self.digits.len()
    }

    /// The request with the references `first`, `first + 1` and so on.
    pub fn numbered(&mut self, first: u64) -> &[u8] {
        for (number, &at) in (first..).zip(&self.digits) {
            let mut rest = number;
            for digit in self.bytes[at..at + DIGITS].iter_mut().rev() {
                *digit = b'0' + (rest % 10) as u8;
                rest /= 10;
            }
        }
        &self.bytes
    }
}

/// Stands where the digits go; nothing else in the message looks like it.
fn blank() -> String {
    "#".repeat(DIGITS)
}

fn item(xmlns: &str, shape: Shape, run: u64) -> String {
    let lifetime = match shape.lifetime_s {
        Some(seconds) => format!("<lifetime>PT{seconds}S</lifetime>"),
        None => String::new(),
    };
    let start = format!(
        "<workItem{xmlns} reference=\"run{run}-{}\"><service>{}</service>\
         <title>Ring back about the mortgage</title><priority>5</priority>\
         <customer id=\"C-104-882\"><name>Astrid Lindqvist</name><phone>+46 8 123 456 78</phone>\
         <email>astrid.lindqvist@example.com</email></customer>{lifetime}\
         <links><link name=\"Loan file\" href=\"https://bank.example/loans/104882\"/></links>\
         <contactData><item key=\"workItemTask\">ring back</item>\
         <item key=\"loanNumber\">104-882-7</item><item key=\"branch\">Uppsala</item></contactData>\
         <description>",
        blank(),
        shape.service
    );
    let end = "</description></workItem>";
    let prose = "The customer asks what the new rate means for the monthly sum. ";
    let room = BODY_BYTES.saturating_sub(start.len() + end.len());
    let description: String = prose.chars().cycle().take(room).collect();
    start + &description + end
}
