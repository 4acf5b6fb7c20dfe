"""Does what `aws SERVICE VERB --option value ..` does, of which stdin has one a line.

By botocore's models of the services, from which the AWS CLI has its commands: a verb or an option that there
is not, or a value of another type, is an error here as it is there.
"""

import json
import os
import shlex
import sys

import botocore.session
from botocore import xform_name

# What the AWS CLI calls by another name than the service.
RENAMED = {("sns", "notification-endpoint"): "endpoint"}
GLOBAL = ("output", "query")
NUMBERS = {"integer": int, "long": int, "float": float, "double": float}


def value(shape, words):
    """What stands behind an option, as the service takes it."""
    if shape.type_name == "boolean":
        return True
    if shape.type_name in ("structure", "map") or words[0].startswith("["):
        (word,) = words
        return json.loads(word)
    if shape.type_name == "list":
        return [value(shape.member, [word]) for word in words]
    (word,) = words
    return NUMBERS.get(shape.type_name, str)(word)


def options(words):
    """Options, each with its values."""
    found = {}
    for word in words:
        if word.startswith("--"):
            values = found[word[2:]] = []
        else:
            values.append(word)
    return found


def run(session, line):
    words = shlex.split(line, comments=True)
    if words[:1] != ["aws"]:
        raise ValueError(f"no command of the AWS CLI: {line}")
    _, service, verb, *rest = words
    given = options(rest)
    region = given.pop("region", [os.environ["AWS_REGION"]])[0]
    client = session.create_client(service, region_name=region)
    operations = {xform_name(name, "-"): name for name in client.meta.service_model.operation_names}
    operation = client.meta.service_model.operation_model(operations[verb])
    members = {xform_name(name, "-"): (name, shape) for name, shape in operation.input_shape.members.items()}
    parameters = {}
    for option, values in given.items():
        if option in GLOBAL:  # of the answer
            continue
        name, shape = members[RENAMED.get((service, option), option)]
        parameters[name] = value(shape, values)
    getattr(client, xform_name(operation.name))(**parameters)


if __name__ == "__main__":
    session = botocore.session.get_session()
    for line in sys.stdin.read().splitlines():
        run(session, line)
