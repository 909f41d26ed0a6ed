//! What an AI provider's answer says of itself, however the network cuts it.

use serde_json::Value;
use server::gateway::read_usage;

/// The most that may be kept of an answer of any length: two names and sixteen reasons of 128 bytes each, and numbers.
const MOST_KEPT: usize = 4096;

/// A line with the content type, then the answer.
pub fn ai_usage(data: &[u8]) {
    let Some(end) = data.iter().position(|byte| *byte == b'\n') else { return };
    let Ok(content_type) = std::str::from_utf8(&data[..end]) else { return };
    let body = &data[end + 1..];
    let Some(whole) = read_usage(content_type, [body]) else { return };
    assert!(whole.2.len() <= MOST_KEPT, "{} bytes are kept", whole.2.len());

    for size in [1, 2, 3, 7, 16, 61, 1024] {
        assert_eq!(read_usage(content_type, body.chunks(size)).as_ref(), Some(&whole), "in pieces of {size}");
    }
    assert_eq!(read_usage(content_type, uneven(body)).as_ref(), Some(&whole), "in uneven pieces");
    assert_eq!(read_usage(content_type, [body, b""]).as_ref(), Some(&whole), "with an empty piece");

    // Read again by somebody who holds it whole. Written anew, since a reader of streams can't know of a repeated member.
    if let Ok(value @ Value::Object(_)) = serde_json::from_slice::<Value>(body) {
        let text = value.to_string();
        let (input, output, _) = read_usage("application/json", [text.as_bytes()]).expect("JSON is read");
        assert_eq!((input, output), reference(&value), "{text}");
        let event = format!("data: {text}\n\n");
        let streamed = read_usage("text/event-stream", event.as_bytes().chunks(5)).expect("streams are read");
        assert_eq!((streamed.0, streamed.1), (input, output), "as an event of a stream: {text}");
    }
}

/// Pieces whose sizes follow from the bytes themselves.
fn uneven(mut rest: &[u8]) -> Vec<&[u8]> {
    let mut out = Vec::new();
    let mut state = rest.len() as u32;
    while !rest.is_empty() {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223 + u32::from(rest[0]));
        let (piece, after) = rest.split_at((state >> 24) as usize % 13 % (rest.len() + 1));
        out.push(piece);
        rest = after;
    }
    out
}

/// Input and output tokens by the rules of `usage`, read from a value that is there as a whole.
fn reference(value: &Value) -> (Option<u64>, Option<u64>) {
    let (mut input, mut read, mut written, mut output) = (None, None, None, None);
    let members = value.as_object().into_iter().flatten();
    let usages = members.filter_map(|(name, member)| match name.as_str() {
        "usage" => Some(member),
        "message" | "response" => member.get("usage"),
        _ => None,
    });
    for (name, number) in usages.filter_map(Value::as_object).flatten() {
        let count = number.as_f64().filter(|number| number.fract() == 0.0 && (0.0..=9_007_199_254_740_992.0).contains(number));
        let slot = match name.as_str() {
            "prompt_tokens" | "input_tokens" => &mut input,
            "cache_read_input_tokens" => &mut read,
            "cache_creation_input_tokens" => &mut written,
            "completion_tokens" | "output_tokens" => &mut output,
            _ => continue,
        };
        *slot = count.map(|number| number as u64).or(*slot);
    }
    let cached = read.unwrap_or(0_u64).saturating_add(written.unwrap_or(0));
    (input.map(|input: u64| input.saturating_add(cached)), output)
}
