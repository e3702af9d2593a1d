"""Print the tables of ``LowDoseContrastTrainingLib/simulator/beam_tables.py`` and what they imply.

Needs two packages that nothing else here needs: ``pip install spekpy xraydb`` (MIT licence; public
domain). Usage: ``python make_beam_tables.py [TARGET]``; the figures go to standard error.

Tubes and detectors: SpekPy (Poludniowski et al. 2021, Med. Phys. 48:3630) through 3 mm of PMMA, the
compression paddle. Attenuation: xraydb (Elam, Ravel and Sieber 2002) for these compositions.
"""

import sys

import numpy as np
import spekpy
import xraydb

ENERGIES_KEV = np.arange(9, 30)
PADDLE_MM = 3.0
HAMMERSTEIN = {  # mass fractions, Hammerstein et al. 1979, Radiology 130:485; ash shared out evenly
    "adipose": ({"H": 0.112, "C": 0.619, "N": 0.017, "O": 0.251, "ash": 0.001}, 0.924),
    "glandular": ({"H": 0.102, "C": 0.184, "N": 0.032, "O": 0.677, "ash": 0.005}, 1.015),
    "mass": ({"H": 0.102, "C": 0.184, "N": 0.032, "O": 0.677, "ash": 0.005}, 1.046),
}
FORMULAS = {  # chemical formula, density in g/cm3
    "pmma": ("C5H8O2", 1.19),
    "paraffin": ("C25H52", 0.90),
    "pvc": ("C2H3Cl", 1.30),  # plasticised film
    "abs": ("C15H17N", 1.05),
    "pla": ("C3H4O2", 1.24),
    "nylon": ("C6H11NO", 1.14),
    "hydroxyapatite": ("Ca5P3O13H", 3.156),
    "calcium_oxalate": ("CaC2O4", 2.2),
    "aluminium": ("Al", 2.699),
}
BEAMS = {  # name: anode, angle in degrees, filter in mm, kVp
    "Rh/Rh 29 kVp": ("Rh", 20, ("Rh", 0.025), 29),
    "Mo/Rh 28 kVp": ("Mo", 20, ("Rh", 0.025), 28),
    "Mo/Mo 26 kVp": ("Mo", 20, ("Mo", 0.030), 26),
    "W/Rh 28 kVp": ("W", 20, ("Rh", 0.050), 28),
}
DETECTORS = {  # absorber: formula, density in g/cm3, thickness in cm
    "CsI": ("CsI", 4.51 * 0.8, 0.010),  # columns of the scintillator fill four fifths
    "a-Se": ("Se", 4.27, 0.020),
}


def attenuations():
    """Material -> linear attenuation in 1/cm at ``ENERGIES_KEV``."""
    ev = ENERGIES_KEV * 1e3
    table = {}
    for name, (fractions, density) in HAMMERSTEIN.items():
        parts = {k: v for k, v in fractions.items() if k != "ash"}
        parts |= {element: fractions["ash"] / 4 for element in ("P", "S", "K", "Ca")}
        table[name] = density * sum(share * xraydb.mu_elam(element, ev) for element, share in parts.items())
    for name, (formula, density) in FORMULAS.items():
        table[name] = xraydb.material_mu(formula, ev, density=density)
    return table


def fluence(name):
    """(photons of each energy, HVL in mm Al) behind the paddle."""
    anode, angle, (metal, millimetres), kvp = BEAMS[name]
    tube = spekpy.Spek(kvp=kvp, th=angle, dk=0.05, targ=anode)
    tube.filter(metal, millimetres)
    tube.filter("Polymethyl Methacrylate (Lucite Perspex or Plexiglas)", PADDLE_MM)
    energy, photons = tube.get_spectrum()
    binned = [photons[(energy >= k - 0.5) & (energy < k + 0.5)].sum() for k in ENERGIES_KEV]
    return np.array(binned), tube.get_hvl1()


def absorption(name):
    """Share of photons that the detector's absorber stops, at each energy."""
    formula, density, thickness = DETECTORS[name]
    return 1 - np.exp(-xraydb.material_mu(formula, ENERGIES_KEV * 1e3, density=density) * thickness)


def rows_of(table, digits):
    """The table as source text, one entry a line."""
    for name, values in table.items():
        yield f'    "{name}": ({", ".join(format(v, digits) for v in values)}),'


def module_text(mu, photons, layers, absorbed):
    """The text of ``beam_tables.py``."""
    return "\n".join(
        [
            '"""Attenuation and spectra of mammography, made by ``Testing/make_beam_tables.py``.',
            "",
            "Sources: xraydb (Elam et al. 2002) and SpekPy (Poludniowski et al. 2021), 3 mm PMMA paddle.",
            '"""',
            "",
            "# ruff: noqa: E501",
            "# fmt: off",
            f"ENERGIES_KEV = ({', '.join(map(str, ENERGIES_KEV))})",
            "",
            "# linear attenuation, 1/cm",
            "ATTENUATION_PER_CM = {",
            *rows_of(mu, ".4g"),
            "}",
            "",
            "# photons behind the paddle, shares that sum to 1",
            "FLUENCE = {",
            *rows_of(photons, ".3e"),
            "}",
            "",
            "# half-value layer behind the paddle, mm aluminium",
            f"HVL_MM = {{{', '.join(f'{chr(34)}{name}{chr(34)}: {value:.3f}' for name, value in layers.items())}}}",
            "",
            "# filter, mm",
            f"FILTER_MM = {{{', '.join(f'{chr(34)}{name}{chr(34)}: {beam[2][1]}' for name, beam in BEAMS.items())}}}",
            "",
            "# share of photons that the detector absorbs",
            "ABSORPTION = {",
            *rows_of(absorbed, ".4f"),
            "}",
            "",
        ]
    )


def main():
    mu, absorbed = attenuations(), {name: absorption(name) for name in DETECTORS}
    photons, layers = {}, {}
    for name in BEAMS:
        counted, layers[name] = fluence(name)
        photons[name] = counted / counted.sum()
        for detector, eta in absorbed.items():
            weight = photons[name] * ENERGIES_KEV * eta
            behind = weight * np.exp(-2.5 * (mu["glandular"] + mu["adipose"]))
            effective = -np.log(behind.sum() / weight.sum()) / 5
            contrast = (behind * (mu["glandular"] - mu["adipose"])).sum() / behind.sum()
            print(
                f"{name} on {detector}: HVL {layers[name]:.3f} mm Al, mu_eff {effective:.3f}, delta mu {contrast:.3f}",
                file=sys.stderr,
            )
    text = module_text(mu, photons, layers, absorbed)
    if len(sys.argv) > 1:
        with open(sys.argv[1], "w", encoding="utf-8") as stream:
            stream.write(text)
    else:
        print(text)


if __name__ == "__main__":
    main()
