//! Reads a CloudFormation template and resolves it for given parameters, as far as this project's
//! template needs it. Strict: what CloudFormation would refuse, or is not known here, panics.

use std::collections::BTreeMap;
use std::path::Path;

use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Map, Value, json};

/// A template as it is written, with short forms (`!Ref`) turned into long ones (`{"Ref": ..}`), and
/// files that it includes in place.
pub struct Template(Value);

/// A template for one choice of parameters: no condition, no absent resource, no function is left.
/// A reference to a resource stands as `<Id>`, an attribute as `<Id.Attribute>`.
pub struct Deployment {
    pub resources: Map<String, Value>,
    pub outputs: Map<String, Value>,
    pub globals: Value,
}

impl Template {
    /// Reads a template; the files that it names are in this folder.
    pub fn parse(text: &str, folder: &Path) -> Self {
        let documents = Yaml::load_from_str(text).expect("the template is YAML");
        assert_eq!(documents.len(), 1, "one document");
        Self(with_included(long_form(&documents[0]), folder))
    }

    /// The template as it is written.
    pub fn into_value(self) -> Value {
        self.0
    }

    /// A section, such as `Parameters`.
    pub fn section(&self, name: &str) -> &Map<String, Value> {
        self.0[name].as_object().unwrap_or_else(|| panic!("no section `{name}`"))
    }

    /// What CloudFormation would build for these parameters; the others have their defaults.
    pub fn deploy(&self, chosen: &[(&str, &str)]) -> Deployment {
        let mut parameters: BTreeMap<String, String> = self
            .section("Parameters")
            .iter()
            .map(|(name, is)| (name.clone(), plain(&is["Default"])))
            .collect();
        for (name, value) in chosen {
            let known = parameters.insert((*name).to_owned(), (*value).to_owned());
            assert!(known.is_some(), "no parameter `{name}`");
        }
        let resolver = Resolver { template: self, parameters };
        let present = |section: &str| -> Map<String, Value> {
            self.section(section)
                .iter()
                .filter(|(_, is)| resolver.is_present(is))
                .map(|(id, is)| (id.clone(), resolver.resolve(is)))
                .collect()
        };
        Deployment {
            resources: present("Resources"),
            outputs: present("Outputs"),
            globals: resolver.resolve(&self.0["Globals"]),
        }
    }
}

impl Deployment {
    /// The properties of a resource.
    pub fn properties(&self, id: &str) -> &Value {
        let resource = self.resources.get(id).unwrap_or_else(|| panic!("no resource `{id}`"));
        &resource["Properties"]
    }

    /// The properties of every resource of a type, by logical id.
    pub fn of_type<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = (&'a str, &'a Value)> {
        self.resources
            .iter()
            .filter(move |(_, resource)| resource["Type"] == kind)
            .map(|(id, resource)| (id.as_str(), &resource["Properties"]))
    }
}

struct Resolver<'a> {
    template: &'a Template,
    parameters: BTreeMap<String, String>,
}

impl Resolver<'_> {
    fn is_present(&self, resource: &Value) -> bool {
        resource.get("Condition").is_none_or(|name| self.condition(name.as_str().expect("a name")))
    }

    fn condition(&self, name: &str) -> bool {
        let conditions = self.template.section("Conditions");
        self.holds(conditions.get(name).unwrap_or_else(|| panic!("no condition `{name}`")))
    }

    fn holds(&self, condition: &Value) -> bool {
        if let Some(name) = condition.get("Condition") {
            return self.condition(name.as_str().expect("a name"));
        }
        match function(condition) {
            Some(("Fn::Or", any)) => any.iter().any(|inner| self.holds(inner)),
            Some(("Fn::Equals", [left, right])) => self.resolve(left) == self.resolve(right),
            Some(("Fn::Not", [inner])) => !self.holds(inner),
            _ => panic!("unknown condition {condition}"),
        }
    }

    fn resolve(&self, value: &Value) -> Value {
        self.resolve_unless_absent(value).expect("a value, not AWS::NoValue")
    }

    /// `None` stands for `AWS::NoValue`.
    fn resolve_unless_absent(&self, value: &Value) -> Option<Value> {
        Some(match function(value) {
            Some(("Ref", [Value::String(name)])) if name == "AWS::NoValue" => return None,
            Some(("Ref", [Value::String(name)])) => match self.parameters.get(name) {
                Some(items) if self.is_list(name) => items.split(',').collect(),
                _ => self.reference(name).into(),
            },
            Some(("Fn::Join", [Value::String(between), items])) => {
                let items = self.resolve(items);
                let items = items.as_array().expect("a list").iter().map(plain);
                items.collect::<Vec<_>>().join(between).into()
            }
            Some(("Fn::GetAtt", [Value::String(id), Value::String(attribute)])) => {
                self.attribute(id, attribute).into()
            }
            Some(("Fn::If", [Value::String(condition), yes, no])) => {
                return self.resolve_unless_absent(if self.condition(condition) {
                    yes
                } else {
                    no
                });
            }
            Some(("Fn::Sub", [Value::String(text)])) => self.substitute(text, &Map::new()).into(),
            Some(("Fn::Sub", [Value::String(text), Value::Object(names)])) => {
                self.substitute(text, names).into()
            }
            Some((name, arguments)) => panic!("unknown function {name} {arguments:?}"),
            None => match value {
                Value::Array(items) => {
                    items.iter().filter_map(|item| self.resolve_unless_absent(item)).collect()
                }
                Value::Object(entries) => entries
                    .iter()
                    .filter_map(|(key, of)| Some((key.clone(), self.resolve_unless_absent(of)?)))
                    .collect::<Map<_, _>>()
                    .into(),
                _ => value.clone(),
            },
        })
    }

    fn is_list(&self, parameter: &str) -> bool {
        self.template.section("Parameters")[parameter]["Type"] == "CommaDelimitedList"
    }

    fn reference(&self, name: &str) -> String {
        if let Some(value) = self.parameters.get(name) {
            return value.clone();
        }
        match name {
            "AWS::AccountId" => "123456789012".to_owned(),
            "AWS::Partition" => "aws".to_owned(),
            "AWS::Region" => "eu-west-1".to_owned(),
            "AWS::StackName" => "a-stack".to_owned(),
            id => {
                self.check_present(id);
                format!("<{id}>")
            }
        }
    }

    fn attribute(&self, id: &str, attribute: &str) -> String {
        self.check_present(id);
        format!("<{id}.{attribute}>")
    }

    fn check_present(&self, id: &str) {
        let resource = self.template.section("Resources").get(id);
        let resource =
            resource.unwrap_or_else(|| panic!("a reference to `{id}`, which is nothing"));
        assert!(self.is_present(resource), "a reference to `{id}`, which is absent here");
    }

    fn substitute(&self, text: &str, names: &Map<String, Value>) -> String {
        let mut parts = text.split("${");
        let mut out = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (name, rest) = part.split_once('}').expect("a closed ${..}");
            let value = match (names.get(name), name.split_once('.')) {
                (Some(value), _) => plain(&self.resolve(value)),
                (None, Some((id, attribute))) => self.attribute(id, attribute),
                (None, None) => self.reference(name),
            };
            out.push_str(&value);
            out.push_str(rest);
        }
        out
    }
}

/// The one function that a value is, and its arguments.
fn function(value: &Value) -> Option<(&str, &[Value])> {
    let entries = value.as_object()?;
    let (name, argument) = entries.iter().next()?;
    if entries.len() != 1 || !(name == "Ref" || name.starts_with("Fn::")) {
        return None;
    }
    Some((name, argument.as_array().map_or(std::slice::from_ref(argument), Vec::as_slice)))
}

/// A scalar as CloudFormation passes it on: as text.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The same with `Fn::Transform: AWS::Include` replaced by what is in the file, which CloudFormation does before
/// anything else.
fn with_included(value: Value, folder: &Path) -> Value {
    match value {
        Value::Object(entries) => match entries.get("Fn::Transform") {
            Some(transform) => {
                assert_eq!(entries.len(), 1, "an include stands alone");
                assert_eq!(transform["Name"], "AWS::Include");
                let location = transform["Parameters"]["Location"].as_str().expect("a file");
                let path = folder.join(location);
                let text = std::fs::read_to_string(&path)
                    .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                // Short forms are not allowed in it, so that JSON is as good as YAML.
                serde_json::from_str(&text)
                    .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
            }
            None => entries
                .into_iter()
                .map(|(key, value)| (key, with_included(value, folder)))
                .collect::<Map<_, _>>()
                .into(),
        },
        Value::Array(items) => items.into_iter().map(|item| with_included(item, folder)).collect(),
        other => other,
    }
}

fn long_form(yaml: &Yaml) -> Value {
    match yaml {
        Yaml::Value(Scalar::Null) => Value::Null,
        Yaml::Value(Scalar::Boolean(value)) => json!(value),
        Yaml::Value(Scalar::Integer(value)) => json!(value),
        Yaml::Value(Scalar::FloatingPoint(value)) => json!(value.0),
        Yaml::Value(Scalar::String(value)) => json!(value),
        Yaml::Sequence(items) => items.iter().map(long_form).collect(),
        Yaml::Mapping(entries) => entries
            .iter()
            .map(|(key, value)| (key.as_str().expect("a text key").to_owned(), long_form(value)))
            .collect::<Map<_, _>>()
            .into(),
        Yaml::Tagged(tag, inner) => match (tag.suffix.as_str(), long_form(inner)) {
            ("Ref", name) => json!({ "Ref": name }),
            ("GetAtt", Value::String(path)) => {
                let (id, attribute) = path.split_once('.').expect("!GetAtt Id.Attribute");
                json!({ "Fn::GetAtt": [id, attribute] })
            }
            ("Condition", name) => json!({ "Condition": name }),
            (name @ ("Sub" | "If" | "Equals" | "Not" | "Or" | "Join"), argument) => {
                json!({ format!("Fn::{name}"): argument })
            }
            (name, _) => panic!("unknown tag !{name}"),
        },
        Yaml::Representation(..) | Yaml::Alias(_) | Yaml::BadValue => {
            panic!("unreadable: {yaml:?}")
        }
    }
}
