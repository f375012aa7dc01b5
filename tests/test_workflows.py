"""What GitHub runs: pinned by commit, with no more rights than it needs, and no word of a stranger in a script.

`make lint` checks the same files against GitHub's schema and with zizmor.
"""

import re
from pathlib import Path

import pytest

from ops.neon import branch
from ops.neon.branch import VERBS

ROOT = Path(__file__).parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PREVIEW = (ROOT / ".github" / "workflows" / "preview.yml").read_text(encoding="utf-8")


def scripts(text):
    """Return what the steps run: the lines of `run:`, and those that are indented below it."""
    found, depth = [], -1
    for line in text.splitlines():
        indent = len(line) - len(line.lstrip())
        if depth >= 0 and line.strip() and indent <= depth:
            depth = -1
        if match := re.match(r"( *(?:- )?)run: ?(.*)", line):
            depth = len(match[1])
            found.append(match[2])
        elif depth >= 0:
            found.append(line)
    return "\n".join(found)


def jobs(text):
    """Return the jobs of a workflow by name."""
    body = text.partition("\njobs:\n")[2]
    parts = re.split(r"^  (\w+):\n", body, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.fixture(params=WORKFLOWS, ids=lambda path: path.stem)
def workflow(request):
    return request.param.read_text(encoding="utf-8")


def test_actions_are_pinned_by_commit_and_say_their_version(workflow):
    used = re.findall(r"uses: (.*)", workflow)
    assert [one for one in used if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", one)] == []


def test_nothing_of_an_event_stands_in_a_script(workflow):
    assert "${{" not in scripts(workflow)
    assert "pull_request_target" not in workflow


def test_rights_are_given_job_by_job_and_every_job_ends(workflow):
    assert "\npermissions: {}\n" in workflow
    assert [name for name, text in jobs(workflow).items() if "timeout-minutes:" not in text] == []
    assert re.findall(r"^ +(\S+): write", workflow, re.MULTILINE) in ([], ["pull-requests"])


def test_no_checkout_keeps_the_token(workflow):
    assert workflow.count("actions/checkout@") == workflow.count("persist-credentials: false")


def test_the_scripts_of_a_workflow_are_found():
    text = "  - run: one\n    if: x\n  - run: |\n      two\n      three\n  - uses: ${{ x }}\n"
    assert scripts(text).split() == ["one", "|", "two", "three"]


def test_every_job_with_a_secret_is_for_branches_of_this_repository():
    own = "github.event.pull_request.head.repo.full_name == github.repository"
    assert [name for name, text in jobs(PREVIEW).items() if "secrets." in text and own not in text] == []
    assert own.replace("==", "!=") in jobs(PREVIEW)["fork"]
    assert "::notice::" in jobs(PREVIEW)["fork"]


def test_a_preview_is_made_without_people_and_deleted_in_the_end():
    assert "branch create" in jobs(PREVIEW)["preview"]
    assert "--anonymise" in jobs(PREVIEW)["preview"]
    assert "github.event.action == 'closed'" in jobs(PREVIEW)["close"]
    assert "branch delete" in jobs(PREVIEW)["close"]
    assert {*re.findall(r"ops branch (\w+)", PREVIEW)} <= {*VERBS}


def test_the_comment_is_found_again_by_its_mark():
    assert PREVIEW.count(branch.MARK) == 2


def test_the_addresses_are_masked_before_anything_else_is_said():
    made = jobs(PREVIEW)["preview"]
    assert made.index("::add-mask::") < made.index("branch diff") < made.index("ops audit")
    assert "GITHUB_ENV" not in PREVIEW, "what is in it is seen by every later step"
