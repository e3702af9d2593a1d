"""The promises of the layout: what imports what, what is light to import, what an extension must bring."""

import ast
import json
import os
import re
import subprocess
import sys
import unittest

import lowdosecontrast_examples as examples

ROOT = examples.REPOSITORY
ENHANCEMENT = ROOT / "LowDoseContrast" / "LowDoseContrastLib"
TRAINING = ROOT / "LowDoseContrastTraining" / "LowDoseContrastTrainingLib"
HEAVY = {"torch", "pydicom", "safetensors", "tqdm", "skimage", "matplotlib", "monai"}


def imported(path, file_scope_only=False):
    """Top-level packages that a file imports, relative imports left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = tree.body if file_scope_only else ast.walk(tree)
    names = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add(node.module.split(".")[0])
    return names


@unittest.skipUnless(ENHANCEMENT.is_dir(), "needs a checkout")
class LayersTest(unittest.TestCase):
    def test_librariesKnowNoDesktop(self):
        for path in [*ENHANCEMENT.glob("*.py"), *TRAINING.rglob("*.py")]:
            allowed = {"slicer"} if path.name == "nodes.py" else set()
            self.assertFalse(imported(path) & ({"qt", "ctk", "vtk", "slicer", "PySide6", "SlicerHost"} - allowed), path.name)

    def test_importsGoDownwards(self):
        for path in ENHANCEMENT.glob("*.py"):
            self.assertFalse(imported(path) & {"LowDoseContrastTrainingLib", "LowDoseContrastSlicer", "LowDoseContrast"}, path.name)
        for path in TRAINING.rglob("*.py"):
            self.assertFalse(imported(path) & {"LowDoseContrastSlicer", "LowDoseContrast", "LowDoseContrastTraining"}, path.name)

    def test_logicsKnowNoWidgets(self):
        for path in ROOT.glob("LowDoseContrast*/LowDoseContrast*Slicer/*.py"):
            self.assertFalse(imported(path) & {"qt", "ctk", "PySide6", "SlicerHost"}, path.name)
            self.assertNotRegex(path.read_text(), r"(from|import) \.?widgets", path.name)

    def test_moduleFilesAreLightAtFileScope(self):
        for module in (ROOT / "LowDoseContrast", ROOT / "LowDoseContrastTraining"):
            for path in [*module.glob("*.py"), *module.glob("*Slicer/**/*.py")]:
                self.assertFalse(imported(path, file_scope_only=True) & HEAVY, path.name)

    def test_lookingAtModelsNeedsNoTorch(self):
        code = (
            "import sys; from LowDoseContrastLib import card, catalogue, cci, cli, commands, files, mammogram, mask, resources, tiling; "
            f"print(sorted({sorted(HEAVY)!r} & sys.modules.keys()))".replace(f"{sorted(HEAVY)!r} &", f"set({sorted(HEAVY)!r}) &")
        )
        found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ENHANCEMENT.parent, check=True)
        self.assertEqual(found.stdout.strip(), "[]")

    def test_modelsAreListedBeforeTorchIsInstalled(self):
        """The panel shows the models, and why Apply needs torch, in a Slicer that has neither package."""
        code = (
            "import sys; sys.modules.update(torch=None, safetensors=None); from LowDoseContrastLib.catalogue import list_models; "
            "print([(e.name, e.problem, e.card.architecture.ngf) for e in list_models() if e.name == 'starter'])"
        )
        found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ENHANCEMENT.parent)
        self.assertEqual(found.stdout.strip(), "[('starter', '', 16)]", found.stderr)

    @unittest.skipUnless((ROOT / "Testing" / "SlicerHost").is_dir(), "needs the headless host")
    def test_trainingPanelOpensBeforeTorchIsInstalled(self):
        code = (
            "import sys; sys.modules.update(torch=None, safetensors=None); import SlicerHost; host = SlicerHost.start(); "
            f"[host.loadModule(f'{ROOT}/{{name}}/{{name}}.py') for name in ('LowDoseContrast', 'LowDoseContrastTraining')]; "
            "import slicer; panel = slicer.util.getModuleWidget('LowDoseContrastTraining'); panel.enter(); "
            "panel.ui.recipeCollapsibleButton.collapsed = False; print(panel.ui.recipeTable.rowCount, panel.ui.recipeMessageLabel.text, len(host.uncaught))"
        )
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "Testing"), str(ENHANCEMENT.parent), str(TRAINING.parent)])}
        found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
        self.assertRegex(found.stdout, r"^\d\d  0$", found.stderr)

    def test_commandLineStartsQuickly(self):
        """Help needs no numerical library but numpy and scipy."""
        found = subprocess.run(
            [sys.executable, "-X", "importtime", "-m", "LowDoseContrastLib", "--help"], capture_output=True, text=True, cwd=ENHANCEMENT.parent, check=True
        )
        self.assertNotRegex(found.stderr, r"\| +(torch|pydicom|SimpleITK)$")


def panelText(module):
    """The .ui files of a module."""
    return "".join(path.read_text() for path in sorted((ROOT / module / "Resources" / "UI").glob("*.ui")))


@unittest.skipUnless(ENHANCEMENT.is_dir(), "needs a checkout")
class ExtensionTest(unittest.TestCase):
    def test_catalogEntry(self):
        entry = json.loads((ROOT / "LowDoseContrast.json").read_text())
        self.assertTrue({"$schema", "category", "scm_url", "build_dependencies", "tier"} <= entry.keys())
        self.assertEqual((entry["category"], entry["dicom_support_rule"]), ("Image Synthesis", "Modality == 'MG'"))

    def test_requirementsHaveLowerBoundsOnly(self):
        lines = [line.split("#")[0].strip() for line in (ROOT / "Resources" / "requirements.txt").read_text().splitlines()]
        packages = [line for line in lines if line]
        self.assertTrue(packages)
        for line in packages:
            self.assertRegex(line, r"^[A-Za-z0-9-]+>=[0-9.]+$")
        self.assertNotIn("torch", " ".join(packages))

    def test_everyWidgetOfTheCodeIsInThePanel(self):
        for name in ("LowDoseContrast", "LowDoseContrastTraining"):
            code = [ROOT / name / f"{name}.py", *(ROOT / name / f"{name}Slicer").glob("widgets/*.py")]
            used = set(re.findall(r"\bui\.(?!\w+\()(\w+)", "".join(path.read_text() for path in code)))
            there = set(re.findall(r'name="(\w+)"', panelText(name)))
            self.assertTrue(used, name)
            self.assertFalse(used - there, name)

    def test_everyWidgetHasItsOwnName(self):
        for name in ("LowDoseContrast", "LowDoseContrastTraining"):
            names = re.findall(r'<(?:widget|layout) class="\w+" name="(\w+)"', panelText(name))
            self.assertEqual(len(names), len(set(names)), sorted(names))

    def test_everyBoundParameterExists(self):
        for module in ("LowDoseContrast", "LowDoseContrastTraining"):
            bound = re.findall(r'SlicerParameterName" stdset="0">\s*<string>(\w+)', panelText(module))
            logic = "".join(path.read_text() for path in (ROOT / module / f"{module}Slicer").glob("*.py"))
            self.assertGreaterEqual(len(bound), 9)
            for name in bound:
                self.assertRegex(logic, rf"\n    {name}: ")

    def test_icons(self):
        import SimpleITK as sitk

        for path in (ROOT / "LowDoseContrast.png", *ROOT.glob("LowDoseContrast*/Resources/Icons/LowDoseContrast*.png")):
            self.assertEqual(sitk.ReadImage(str(path)).GetSize(), (128, 128), path)


if __name__ == "__main__":
    unittest.main()
