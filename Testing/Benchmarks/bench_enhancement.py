"""Full-field enhancement against MONAI's sliding window, in one run.

Peer: MONAI sliding_window_inference of the same network in fp32 (roi 256, overlap 0.25, gaussian,
sw_batch_size 4), network only. Ours: all of ``Enhancer.run``, with mask, blending, seam index and
CCI before and after.
"""

import torch
from fields import FULL_FIELD, half_breast, matrix_rate, paired_seconds, untrained_model
from LowDoseContrastLib.enhance import Enhancer, Settings
from monai.inferers import sliding_window_inference
from torch.utils.flop_counter import FlopCounterMode


def main():
    mammogram, model = half_breast(FULL_FIELD), untrained_model(64)
    generator = model.generator
    seen = model.card.intensity.normalise(torch.from_numpy(mammogram.pixels.astype("float32"))[None])
    enhancer = Enhancer(model)
    reports = {}

    def peer():
        with torch.inference_mode():
            sliding_window_inference(seen, 256, 4, generator, overlap=0.25, mode="gaussian")

    def ours(name, settings):
        reports[name] = enhancer.run(mammogram, settings).report

    cases = {
        "tiles (default)": Settings(),
        "tiles, no mask": Settings(mask=False),
        "tiles, overlap 0.25, no mask": Settings(mask=False, overlap=0.25),
        "whole": Settings(mode="whole"),
        "whole, no mask": Settings(mode="whole", mask=False),
        "paper": Settings(mode="paper"),
    }
    seconds = paired_seconds(peer, *[lambda n=n, s=s: ours(n, s) for n, s in cases.items()])
    placement = enhancer._runner.placement
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        generator(seen[..., :256, :256])
    rate = matrix_rate(torch.bfloat16 if placement.precision == "bf16" else torch.float32)
    print(
        f"{FULL_FIELD[0]} x {FULL_FIELD[1]}, unet_256 ngf 64, {torch.get_num_threads()} threads, "
        f"{placement.precision}: {placement.reason}"
    )
    print(f"{'':32}{'seconds':>9}{'ratio':>8}{'windows':>9}{'seam':>8}{'of matrix rate':>16}")
    print(f"{'MONAI sliding window, fp32':32}{seconds[0]:9.2f}{1:8.2f}")
    for (name, _), elapsed in zip(cases.items(), seconds[1:]):
        report = reports[name]
        # One large window has no fixed number of operations to hold against the matrix rate.
        share = f"{counter.get_total_flops() * report.windows / elapsed / rate:.0%}" if report.mode != "whole" else "-"
        print(
            f"{name:32}{elapsed:9.2f}{seconds[0] / elapsed:8.2f}{report.windows:9d}{report.seam_index:8.3f}{share:>16}"
        )
    print(f"asked: tiles (default) at least 5, tiles without mask at least 2.5; matrix rate {rate / 1e9:.0f} GFLOP/s")


if __name__ == "__main__":
    main()
