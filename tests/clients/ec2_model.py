"""Holds EC2 answers against botocore's model: every element must be a member that the model knows, and values must have its types."""
import xml.etree.ElementTree as tree

import boto3

NAMESPACE = "{http://ec2.amazonaws.com/doc/2016-11-15/}"
answered, unknown = set(), []


def check(shape, element, path):
    if shape.type_name == "structure":
        members = {member.serialization.get("name", name): member for name, member in shape.members.items()}
        for child in element:
            name = child.tag.removeprefix(NAMESPACE)
            if name in members:
                check(members[name], child, f"{path}.{name}")
            else:
                unknown.append(f"{path}.{name}")
    elif shape.type_name == "list":
        for child in element:
            if child.tag != NAMESPACE + "item":
                unknown.append(f"{path}: {child.tag} in a list")
            else:
                check(shape.member, child, path + "[]")
    else:
        text = element.text or ""
        if len(element):
            unknown.append(f"{path}: elements where {shape.type_name} should be")
        if shape.type_name == "boolean" and text not in ("true", "false"):
            unknown.append(f"{path}: {text!r} is no boolean")
        if shape.type_name in ("integer", "long") and not text.lstrip("-").isdigit():
            unknown.append(f"{path}: {text!r} is no number")


def after(http_response, parsed, model, **_):
    answered.add(model.name)
    if http_response.status_code >= 300:
        return
    root = tree.fromstring(http_response.content)
    assert root.tag == f"{NAMESPACE}{model.name}Response", root.tag
    assert root.find(NAMESPACE + "requestId").text.startswith("req-")
    root.remove(root.find(NAMESPACE + "requestId"))
    if model.output_shape is not None:
        check(model.output_shape, root, model.name)


def client():
    from botocore.config import Config
    import os
    sts = boto3.client("sts", endpoint_url=os.environ["AWS_ENDPOINT_URL_EC2"])
    assert sts.get_caller_identity()["Arn"].startswith("arn:aws:iam::a-")
    answered.add("GetCallerIdentity")
    made = boto3.client("ec2", endpoint_url=os.environ["AWS_ENDPOINT_URL_EC2"], config=Config(retries={"max_attempts": 0}))
    made.meta.events.register("after-call.ec2", after)
    return made


def finish():
    assert not unknown, "not in botocore's model: " + ", ".join(sorted(set(unknown)))
