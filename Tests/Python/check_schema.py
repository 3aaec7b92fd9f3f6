"""Holds what the tools printed with --json against the schema.

Usage: check_schema.py SCHEMA FORM=FILE...: FORM is a name of the schema's $defs. Prints a line for each file that does
not fit, and exits 1 if there is one. Each file is tried with a member more and with a member less too: a schema that
lets those pass says nothing.
"""
import json
import sys

import jsonschema

with open(sys.argv[1], encoding="utf-8") as file:
    schema = json.load(file)
jsonschema.Draft202012Validator.check_schema(schema)
failed = False
for argument in sys.argv[2:]:
    form, path = argument.split("=", 1)
    validator = jsonschema.Draft202012Validator({"$ref": f"#/$defs/{form}", "$defs": schema["$defs"]})
    with open(path, encoding="utf-8") as file:
        report = json.load(file)
    for error in validator.iter_errors(report):
        failed = True
        print(f"{form}: {error.json_path}: {error.message[:200]}")
    if not jsonschema.Draft202012Validator(schema).is_valid(report):
        failed = True
        print(f"{form}: fits none of the forms, or two")
    if isinstance(report, dict):
        for name in report:
            less = {key: value for key, value in report.items() if key != name}
            if validator.is_valid(less) and name != "predictions":
                failed = True
                print(f"{form}: {name} may be missing")
        if validator.is_valid(report | {"surplus": 1}):
            failed = True
            print(f"{form}: anything may be added")
sys.exit(failed)
