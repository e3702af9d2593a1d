"""The one page of a reproduction: our numbers beside the paper's, and why they differ."""

from __future__ import annotations

from pathlib import Path

from LowDoseContrastLib import RESEARCH_NOTICE, __version__
from LowDoseContrastLib.atomic import atomic_output

from ..common.file_names import NUMBERS_FILE, PAGE_FILE
from ..evaluation.evaluate import POST_PROCESSING
from ..evaluation.report.markup import Numbers, image, listed, named, number, text
from ..evaluation.report.page import document_page
from ..training.samples import sample_path
from . import explanations, paper
from .comparison import CCI, DATA, FIDELITY, FIDELITY_MEASURES, GROUPS, LEAK, LOSSES
from .plan import HONEST, QUICK_EPOCHS, QUICK_FILTERS, RUNS

_TITLE = "The paper's experiment, repeated on simulated acquisitions"
_NAMES = {
    "cci_ratio_error": "CCI ratio error", "psnr": "PSNR, dB", "psnr_matched": "PSNR after an affine match, dB", "ssim_matched": "SSIM after an affine match",
}  # fmt: skip


def write_page(folder, plan, numbers: list[dict]) -> Path:
    """Write ``reproduction.html``, which holds its pictures itself, whole or not at all; return its path.

    Args:
        folder: of the reproduction, whose runs' sample patches are shown.
        plan: :class:`.plan.ReproductionPlan`.
        numbers: see :func:`.comparison.comparison`.
    """
    path, count = Path(folder) / PAGE_FILE, Numbers()
    sections = (
        ("Data", _data(numbers, count)),
        ("Losses (the paper's tables 4 to 7)", _losses(numbers, plan, count)),
        ("CCI of input, target and output", _patches(numbers, count) + _triples(Path(folder), plan, count)),
        ("CCI of whole images", _groups(numbers, count)),
        ("What the paper does not tell", _fidelity(numbers, count) + _leakage(numbers, plan, count)),
        ("How to repeat it", _again(plan)),
    )
    body = [_heading(plan), *(f"<section><h2>{text(title)}</h2>{content}</section>" for title, content in sections)]
    with atomic_output(path, overwrite=True) as temporary:
        temporary.write_text(document_page(_TITLE, "\n".join(body)), encoding="utf-8")
    return path


def _heading(plan):
    size = "at full size"
    if plan.quick:
        size = f"at the quick size: all images and patches, a quarter of the filters (divided by {QUICK_FILTERS}) and a {QUICK_EPOCHS}th of the epochs"
    return (
        f"<header><h1>{text(_TITLE)}</h1><p class=sub>Brenha, Carneiro, Patrocínio: Pix-2-Pix Neural Network Proposal for Automatic Breast Images Contrast Correction; here {text(size)}. "
        f"LowDoseContrast {text(__version__)}, seed {plan.seed}.</p><p class=notice><b>{text(RESEARCH_NOTICE)}</b> {text(POST_PROCESSING)}</p></header>"
    )


def _of(numbers, table):
    return [each for each in numbers if each["table"] == table]


def _head(*names):
    return f"<thead><tr>{''.join(f'<th>{text(name)}</th>' for name in names)}</tr></thead>"


def _body(rows):
    return f"<tbody>{''.join(f'<tr><th>{row[0]}</th>' + ''.join(f'<td>{cell}</td>' for cell in row[1:]) + '</tr>' for row in rows)}</tbody>"


def _files(found):
    files = list(dict.fromkeys(each["file"] for each in found))
    return f"Read from {', '.join(f'<code>{named(file)}</code>' for file in files)}."


def _data(numbers, count):
    found = _of(numbers, DATA)
    rows = [(text(each["quantity"]), number(each["paper"], 0), number(each["ours"], 0)) for each in found]
    body = _head("", "paper", "ours") + _body(rows)
    return count.table(body, "Data.", _files(found)) + listed(map(text, explanations.of_data(found)))


def _losses(numbers, plan, count):
    found, rows = _of(numbers, LOSSES), []
    for run in RUNS:
        of_run = {each["quantity"]: each for each in found if each["subject"] == run}
        penalty, epochs, mode, init, ngf, ndf = paper.SETTINGS[run]
        own = plan.recipe(run)
        label = f"<b>{run}</b> λ {penalty}, {epochs} epochs, {mode}, {init}, {ngf}/{ndf} filters" + (f" (ours {own.total_epochs} epochs, {own.ngf}/{own.ndf})" if plan.quick else "")
        rows.append(f'<tr class=section><th colspan=5>{label}</th></tr>')
        for title, pick in (("paper", lambda each: each["paper"]), ("ours, last iteration", lambda each: each["ours"]), ("ours, mean of the last epoch", lambda each: each["beside"]["mean of the last epoch"])):
            rows.append(f"<tr><th>{title}</th>{''.join(f'<td>{number(pick(each), 3)}</td>' for each in of_run.values())}</tr>")
    body = _head("", *paper.LOSSES["run1"]) + f"<tbody>{''.join(rows)}</tbody>"
    return count.table(body, "Losses.", f"G_L1 with λ, D_real and D_fake before the half. {_files(found)}") + listed(map(text, explanations.of_losses(numbers, plan)))


def _patches(numbers, count):
    found, rows = _of(numbers, CCI), []
    for run in RUNS:
        of_run = [each for each in found if each["subject"] == run]
        rows.append((text(run), *(number(each["paper"], 3) for each in of_run), *(_ranged(each) for each in of_run)))
    groups = "<thead><tr><th></th><th class=group colspan=3>paper, one patch</th><th class=group colspan=3>ours, mean of all held-out patches (5th to 95th percentile)</th></tr>"
    body = groups + _head("", *("input", "target", "output") * 2).replace("<thead>", "") + _body(rows)
    return count.table(body, "CCI of patches.", f"On their 8 bits. {_files(found)}") + listed(map(text, explanations.of_patches(numbers)))


def _ranged(each):
    low, high = (number(each["beside"][name], 2) for name in ("5th percentile", "95th percentile"))
    return f"{number(each['ours'], 3)}<small>{low} to {high}</small>"


def _triples(folder, plan, count):
    """The last sample patches of each run, as the paper's figures 3 to 6."""
    shown = []
    for run in RUNS:
        path = sample_path(folder / run, plan.recipe(run).total_epochs)
        if path.is_file():
            shown.append(f"<div><small class=head>{run}</small>{image(path.read_bytes(), 'image/png', f'sample patches of {run}')}</div>")
    if not shown:
        return ""
    grid = f'<div class=grid style="grid-template-columns: repeat({len(shown)}, 1fr)">{"".join(shown)}</div>'
    return count.figure(grid, "Patches that were watched while training.", "Of each run, after its last epoch: input times gain, output, target. The window of each row is the target's; dense tissue is bright.")


def _groups(numbers, count):
    found, rows = _of(numbers, GROUPS), [("<b>paper</b>", *(number(value, 3) for value in paper.GROUP_MEANS.values()), number(paper.GROUP_MEANS["high"] / paper.GROUP_MEANS["low"], 2))]
    for name in dict.fromkeys(each["subject"] for each in found):
        low, high = (each["ours"] for each in found if each["subject"] == name)
        rows.append((text(name), number(low, 3), number(high, 3), number(high / low, 2)))
    body = _head("normalisation", "group A, low", "group B, high", "high over low") + _body(rows)
    return count.table(body, "Group means of CCI over whole 8-bit images.", _files(found)) + listed(map(text, explanations.of_groups(numbers)))


def _fidelity(numbers, count):
    found, rows = _of(numbers, FIDELITY), []
    for name in dict.fromkeys(each["subject"] for each in found):
        of_method = [each for each in found if each["subject"] == name]
        rows.append((text(name), *(number(each["ours"], 2 if "psnr" in each["quantity"] else 3) for each in of_method), of_method[0]["beside"]["kind"]))
    body = _head("", *(_NAMES[name] for name in FIDELITY_MEASURES)) + "".join(
        f"<tr class={'model' if kind == 'model' else 'plain'}><th>{cells[0]}</th>{''.join(f'<td>{cell}</td>' for cell in cells[1:])}</tr>" for *cells, kind in rows
    )
    return count.table(body, "How near the outputs come to the target.", f"On the same held-out patches. {_files(found)}") + listed(map(text, explanations.of_fidelity()))


def _leakage(numbers, plan, count):
    found = _of(numbers, LEAK)
    rows = [(text(_NAMES[each["quantity"]]), number(each["beside"]["random"], 3, True), number(each["beside"]["held_out"], 3, True), number(each["ours"], 3, True)) for each in found]
    body = _head(f"{HONEST} less the gain", "random split", "arrangements held out", "gap") + _body(rows)
    caption = f"{HONEST} once on the paper's random split of patches, once with whole arrangements held out; each less the gain's value on the same patches. {_files(found)}"
    return count.table(body, "The leakage gap.", caption) + listed(map(text, explanations.of_leakage(numbers, plan)))


def _again(plan):
    return f"<pre>lowdosecontrast reproduce OUTDIR{' --quick' if plan.quick else ''} --seed {plan.seed}</pre><p class=small>The files named on this page lie in OUTDIR; <code>{NUMBERS_FILE}</code> holds all numbers.</p>"
