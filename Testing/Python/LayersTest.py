"""The promises of the layout: what imports what, what is light to import, what an extension must bring."""

import ast
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import lowdosecontrast_examples as examples

ROOT = examples.REPOSITORY
ENHANCEMENT = ROOT / "LowDoseContrast" / "LowDoseContrastLib"
TRAINING = ROOT / "LowDoseContrastTraining" / "LowDoseContrastTrainingLib"
HEAVY = {"torch", "pydicom", "safetensors", "tqdm", "skimage", "matplotlib", "monai"}
# The wings of the training library from the ground up: each may use those below it, none beside or above it.
FLOORS = (
    {"common"},
    {"simulator"},
    {"measurement"},
    {"dose_reduction", "dataset"},
    {"training"},
    {"baselines"},
    {"evaluation"},
    {"controls", "reproduction"},
    {"commands"},
)  # fmt: skip


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


def wings_used(path, library=TRAINING):
    """Folders of a library, of its top floor, that a file imports from, at file scope or in a function."""
    package = path.relative_to(library).parts[:-1]
    wings = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name.split(".") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = [library.name, *package[: len(package) - node.level + 1]] if node.level else []
            module = [*above, *(node.module or "").split(".")]
            names = [[part for part in (*module, alias.name) if part] for alias in node.names]
        wings |= {
            name[1] for name in names if name[0] == library.name and len(name) > 1 and (library / name[1]).is_dir()
        }
    return wings


@unittest.skipUnless(ENHANCEMENT.is_dir(), "needs a checkout")
class LayersTest(unittest.TestCase):
    def test_librariesKnowNoDesktop(self):
        for path in [*ENHANCEMENT.glob("*.py"), *TRAINING.rglob("*.py")]:
            allowed = {"slicer"} if path.name == "nodes.py" else set()
            self.assertFalse(
                imported(path) & ({"qt", "ctk", "vtk", "slicer", "PySide6", "SlicerHost"} - allowed), path.name
            )

    def test_importsGoDownwards(self):
        for path in ENHANCEMENT.glob("*.py"):
            self.assertFalse(
                imported(path) & {"LowDoseContrastTrainingLib", "LowDoseContrastSlicer", "LowDoseContrast"}, path.name
            )
        for path in TRAINING.rglob("*.py"):
            self.assertFalse(
                imported(path) & {"LowDoseContrastSlicer", "LowDoseContrast", "LowDoseContrastTraining"}, path.name
            )

    def test_aWingUsesOnlyThoseBelowIt(self):
        floor = {wing: height for height, wings in enumerate(FLOORS) for wing in wings}
        self.assertEqual(set(floor), {path.parent.name for path in TRAINING.glob("*/__init__.py")})
        for path in sorted(TRAINING.glob("*/**/*.py")):
            name = path.relative_to(TRAINING)
            wing = name.parts[0]
            wrong = sorted(used for used in wings_used(path) - {wing} if floor[used] >= floor[wing])
            self.assertFalse(
                wrong, f"{name} imports from {wrong}, which {'lies' if len(wrong) == 1 else 'lie'} not below {wing}"
            )

    def test_anArrowUpIsSeen(self):
        """However an import is written."""
        with tempfile.TemporaryDirectory() as folder:
            library = Path(folder) / "Lib"
            for wing in ("ground", "roof/attic"):
                (library / wing).mkdir(parents=True)
            path = library / "ground" / "file.py"
            for line in (
                "from ..roof.attic import x",
                "from .. import roof",
                "from ..roof import attic",
                "import Lib.roof.attic",
                "from Lib.roof import x",
                "from Lib import roof",
            ):
                path.write_text(
                    f"import json\nfrom . import other\nfrom .other import roof\n\n\ndef f():\n    {line}\n"
                )
                self.assertEqual(wings_used(path, library) - {"ground"}, {"roof"}, line)
            attic = library / "roof" / "attic" / "file.py"
            attic.write_text("from ...ground.file import f\nfrom ..other import ground\nfrom .other import ground\n")
            self.assertEqual(wings_used(attic, library), {"ground", "roof"})

    def test_everyFileLiesInAWing(self):
        self.assertEqual({path.name for path in TRAINING.glob("*.py")}, {"__init__.py", "__main__.py"})
        for path in TRAINING.glob("**/__init__.py"):
            if path.parent != TRAINING:
                (docstring,) = ast.parse(path.read_text(encoding="utf-8")).body
                self.assertTrue(isinstance(docstring, ast.Expr) and docstring.value.value, path)

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
            "import sys; from LowDoseContrastLib import card, catalogue, cci, cli, commands, files, mammogram, "
            "mask, resources, tiling; "
            f"print(sorted({sorted(HEAVY)!r} & sys.modules.keys()))".replace(
                f"{sorted(HEAVY)!r} &", f"set({sorted(HEAVY)!r}) &"
            )
        )
        found = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, cwd=ENHANCEMENT.parent, check=True
        )
        self.assertEqual(found.stdout.strip(), "[]")

    def test_modelsAreListedBeforeTorchIsInstalled(self):
        """The panel shows the models, and why Apply needs torch, in a Slicer that has neither package."""
        code = (
            "import sys; sys.modules.update(torch=None, safetensors=None); from LowDoseContrastLib.catalogue "
            "import list_models; "
            "print([(e.name, e.problem, e.card.architecture.ngf) for e in list_models() if e.name == 'starter'])"
        )
        found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ENHANCEMENT.parent)
        self.assertEqual(found.stdout.strip(), "[('starter', '', 16)]", found.stderr)

    @unittest.skipUnless((ROOT / "Testing" / "SlicerHost").is_dir(), "needs the headless host")
    def test_trainingPanelOpensBeforeTorchIsInstalled(self):
        code = (
            "import sys; sys.modules.update(torch=None, safetensors=None); import SlicerHost; host = "
            "SlicerHost.start(); "
            f"[host.loadModule(f'{ROOT}/{{name}}/{{name}}.py') for name in ('LowDoseContrast', "
            "'LowDoseContrastTraining')]; "
            "import slicer; panel = slicer.util.getModuleWidget('LowDoseContrastTraining'); panel.enter(); "
            "panel.ui.recipeCollapsibleButton.collapsed = False; print(panel.ui.recipeTable.rowCount, "
            "panel.ui.recipeMessageLabel.text, len(host.uncaught))"
        )
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT / "Testing"), str(ENHANCEMENT.parent), str(TRAINING.parent)]),
        }
        found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
        self.assertRegex(found.stdout, r"^\d\d  0$", found.stderr)

    def test_commandLineStartsQuickly(self):
        """Help needs no numerical library but numpy and scipy."""
        found = subprocess.run(
            [sys.executable, "-X", "importtime", "-m", "LowDoseContrastLib", "--help"],
            capture_output=True,
            text=True,
            cwd=ENHANCEMENT.parent,
            check=True,
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
        lines = [
            line.split("#")[0].strip() for line in (ROOT / "Resources" / "requirements.txt").read_text().splitlines()
        ]
        packages = [line for line in lines if line]
        self.assertTrue(packages)
        for line in packages:
            self.assertRegex(line, r"^[A-Za-z0-9-]+>=[0-9.]+$")
        self.assertNotIn("torch", " ".join(packages))

    def test_everyFolderOfTheLibrariesIsInstalled(self):
        """By pip, and by the build of the extension."""
        folders = {
            ".".join(path.parent.relative_to(library.parent).parts)
            for library in (ENHANCEMENT, TRAINING)
            for path in library.rglob("*.py")
        }
        listed = re.search(r"\npackages = \[\n(.*?)\n\]", (ROOT / "pyproject.toml").read_text(), re.DOTALL)[1]
        self.assertEqual(folders, set(re.findall(r'"([\w.]+)"', listed)) - {"LowDoseContrastResources"})
        for library in (ENHANCEMENT, TRAINING):
            module = library.parent
            patterns = re.findall(
                r"^  (\$\{MODULE_NAME\}\S*\.py)$", (module / "CMakeLists.txt").read_text(), re.MULTILINE
            )
            built = {
                path for pattern in patterns for path in module.glob(pattern.replace("${MODULE_NAME}", module.name))
            }
            self.assertFalse(set(module.rglob("*.py")) - built)

    def test_everyTemplateIsInstalled(self):
        """By pip, and by the build of the extension."""
        templates = {path for path in TRAINING.rglob("templates/*") if path.is_file()}
        self.assertTrue(templates)
        listed = re.findall(r'\n"([\w.]+)" = \["(templates/\*)"\]', (ROOT / "pyproject.toml").read_text())
        self.assertEqual(
            {
                path
                for package, pattern in listed
                for path in TRAINING.parent.joinpath(*package.split(".")).glob(pattern)
            },
            templates,
        )
        patterns = re.findall(
            r"^  (\$\{MODULE_NAME\}\S*/templates/\*)$", (TRAINING.parent / "CMakeLists.txt").read_text(), re.MULTILINE
        )
        built = {
            path
            for pattern in patterns
            for path in TRAINING.parent.glob(pattern.replace("${MODULE_NAME}", TRAINING.parent.name))
        }
        self.assertEqual(built, templates)

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
