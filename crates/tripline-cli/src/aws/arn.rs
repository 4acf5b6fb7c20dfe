//! What an ARN says: `arn:partition:service:region:account:resource`.

/// The partition that an ARN names: `aws`, or what stands for it elsewhere.
pub fn partition(arn: &str) -> &str {
    arn.split(':').nth(1).unwrap_or("aws")
}

/// The region that an ARN names; empty if it names none.
pub fn region(arn: &str) -> &str {
    arn.split(':').nth(3).unwrap_or_default()
}

/// The account that an ARN names; empty if it names none.
pub fn account(arn: &str) -> &str {
    arn.split(':').nth(4).unwrap_or_default()
}

/// A function's name, from its ARN.
pub fn function_name(function: &str) -> &str {
    function.split(':').nth(6).unwrap_or(function)
}

/// Whether two ARNs are of one function, with a version or alias or without.
pub fn is_same_function(one: &str, other: &str) -> bool {
    let name = |arn: &str| arn.split(':').take(7).collect::<Vec<_>>().join(":");
    name(one) == name(other)
}

/// Whether a queue's URL is that of an ARN: both end with the account and the name.
pub fn is_same_queue(url: &str, arn: &str) -> bool {
    let tail = |text: &str, separator| {
        let mut parts = text.rsplit(separator);
        (parts.next().map(str::to_owned), parts.next().map(str::to_owned))
    };
    tail(url, '/') == tail(arn, ':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_has_an_arn_and_an_address() {
        let arn = "arn:aws:sqs:us-east-1:111122223333:undelivered";
        for url in [
            "https://sqs.us-east-1.amazonaws.com/111122223333/undelivered",
            "http://127.0.0.1:4566/111122223333/undelivered",
        ] {
            assert!(is_same_queue(url, arn), "{url}");
        }
        assert!(!is_same_queue("https://sqs.us-east-1.amazonaws.com/111122223333/other", arn));
        assert!(!is_same_queue(
            "https://sqs.us-east-1.amazonaws.com/999922223333/undelivered",
            arn
        ));
    }
}
