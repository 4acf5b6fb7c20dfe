//! Who asks for what, and what is known of that, by the keys that conditions ask for.
//!
//! A key that is not named here or by who asks is unclear, and not absent: what AWS puts into a request
//! depends on the service, on the account's organization and on the network.

/// Who asks for what.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The service that asks, such as `iot.amazonaws.com`; `None` in a role's own policies, which have
    /// no principals.
    pub service: Option<&'a str>,
    /// For what, such as `iot:CancelJob`.
    pub action: &'a str,
    /// With what: an ARN, or `*` where IAM can name nothing.
    pub resource: &'a str,
    /// What is known of what conditions ask for, such as `aws:SourceArn`, beside what is known of every request.
    pub context: &'a [(&'a str, &'a str)],
}

/// What is known of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known<'a> {
    /// It has this value.
    Is(&'a str),
    /// A request of this kind never has it.
    Absent,
    /// It may have any value or none.
    Unclear,
}

/// What no request of a role has that acts for itself.
const NOT_OF_ROLES: [&str; 6] = [
    "aws:SourceAccount",
    "aws:SourceArn",
    "aws:SourceOrgID",
    "aws:SourceOrgPaths",
    "aws:SourceOwner",
    // Of `PutMetricData` only, where it is given.
    "cloudwatch:namespace",
];

/// What no service has that asks by its own name: it is in no organization and calls no function's URL.
const NOT_OF_SERVICES: [&str; 5] = [
    "aws:PrincipalOrgID",
    "aws:PrincipalOrgPaths",
    "lambda:EventSourceToken",
    "lambda:FunctionUrlAuthType",
    "lambda:InvokedViaFunctionUrl",
];

impl Request<'_> {
    /// What is known of a key, whose name may be written in any case.
    pub fn known(&self, key: &str) -> Known<'_> {
        if let Some((_, value)) = self.context.iter().find(|(is, _)| is.eq_ignore_ascii_case(key)) {
            return Known::Is(value);
        }
        let (service, absent) = match self.service {
            Some(service) => (Known::Is(service), NOT_OF_SERVICES.as_slice()),
            None => (Known::Absent, NOT_OF_ROLES.as_slice()),
        };
        let is = |name: &str| name.eq_ignore_ascii_case(key);
        match key {
            _ if is("aws:SecureTransport") => Known::Is("true"),
            _ if is("aws:ViaAWSService") => Known::Is("false"),
            _ if is("aws:PrincipalIsAWSService") => {
                Known::Is(if self.service.is_some() { "true" } else { "false" })
            }
            _ if is("aws:PrincipalServiceName") => service,
            _ if absent.iter().any(|name| is(name)) => Known::Absent,
            _ => Known::Unclear,
        }
    }
}
