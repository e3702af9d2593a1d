"""Slicer's ``SampleData`` module: registered data sets, loaded from the local disk.

Only ``file://`` addresses are fetched; the host never opens the network.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import types
import urllib.parse
import urllib.request
import uuid
from pathlib import Path

import qt
import slicer
import vtk


def _as_list(value, count):
    return list(value) if isinstance(value, (list, tuple)) else [value] * count


class SampleDataSource:
    """One entry of the Sample Data module."""

    def __init__(
        self,
        sampleName=None,
        sampleDescription=None,
        uris=None,
        fileNames=None,
        nodeNames=None,
        checksums=None,
        loadFiles=None,
        customDownloader=None,
        thumbnailFileName=None,
        loadFileTypes=None,
        loadFileProperties=None,
        loadFileType=None,
    ):
        if loadFileType is not None and loadFileTypes is not None:
            raise ValueError("loadFileType and loadFileTypes cannot be specified at the same time")
        self.sampleName = sampleName
        self.sampleDescription = sampleName if sampleDescription is None else sampleDescription
        self.uris = [uris] if isinstance(uris, str) else list(uris or [])
        count = len(self.uris)
        self.fileNames = _as_list(fileNames, count)
        self.nodeNames = _as_list(nodeNames, count)
        self.checksums = _as_list(checksums, count)
        self.loadFiles = _as_list(loadFiles, count)
        self.loadFileTypes = _as_list(loadFileTypes or loadFileType, count)
        self.loadFileProperties = loadFileProperties or {}
        self.customDownloader = customDownloader
        self.thumbnailFileName = thumbnailFileName
        columns = (self.fileNames, self.nodeNames, self.checksums, self.loadFiles, self.loadFileTypes)
        if any(len(column) != count for column in columns):
            raise ValueError("All fields of sample data source must have the same length")

    def __eq__(self, other):
        return isinstance(other, SampleDataSource) and vars(self) == vars(other)

    __hash__ = None


class SampleDataLogic:
    """Registers data sets and loads them into the scene."""

    @staticmethod
    def registerCustomSampleDataSource(
        category="Custom",
        sampleName=None,
        uris=None,
        fileNames=None,
        nodeNames=None,
        customDownloader=None,
        thumbnailFileName=None,
        loadFileTypes=None,
        loadFiles=None,
        loadFileProperties={},  # noqa: B006 (as Slicer has it)
        checksums=None,
        loadFileType=None,
    ):
        """Offer a data set in a section of the Sample Data module."""
        source = SampleDataSource(
            sampleName=sampleName,
            uris=uris,
            fileNames=fileNames,
            nodeNames=nodeNames,
            thumbnailFileName=thumbnailFileName,
            loadFileTypes=loadFileTypes,
            loadFiles=loadFiles,
            loadFileProperties=loadFileProperties,
            checksums=checksums,
            customDownloader=customDownloader,
            loadFileType=loadFileType,
        )
        sources = SampleDataLogic.sampleDataSourcesByCategory().setdefault(category, [])
        if source not in sources:
            sources.append(source)

    @staticmethod
    def sampleDataSourcesByCategory(category=None):
        """All data sets by section, or those of one section."""
        if not hasattr(slicer.modules, "sampleDataSources"):
            slicer.modules.sampleDataSources = {}
        sources = slicer.modules.sampleDataSources
        return sources if category is None else sources.get(category, [])

    @staticmethod
    def isSampleDataSourceRegistered(category, sampleDataSource):
        return sampleDataSource in SampleDataLogic.sampleDataSourcesByCategory(category)

    def sourceForSampleName(self, sampleName):
        for sources in self.sampleDataSourcesByCategory().values():
            for source in sources:
                if source.sampleName == sampleName:
                    return source
        return None

    def downloadSamples(self, sampleName):
        """Load a registered data set; returns its nodes."""
        source = self.sourceForSampleName(sampleName)
        return self.downloadFromSource(source) if source else []

    def downloadSample(self, sampleName):
        return self.downloadSamples(sampleName)[0]

    def downloadFromURL(self, uris=None, **details):
        force = details.pop("forceDownload", False)
        return self.downloadFromSource(SampleDataSource(uris=uris, **details), forceDownload=force)

    def downloadFromSource(self, source, maximumAttemptsCount=3, forceDownload=False):
        """Fetch and load; nodes where files were loaded, else paths.

        As in Slicer a custom downloader has no part in this: only the button of the sample calls it.
        """
        nodes, paths = [], []
        name_all = all(name is None for name in source.nodeNames)
        for uri, file_name, node_name, checksum, load, kind in zip(
            source.uris, source.fileNames, source.nodeNames, source.checksums, source.loadFiles, source.loadFileTypes
        ):
            base, ending = os.path.splitext(os.path.basename(file_name or urllib.parse.urlparse(uri).path))
            if node_name is None and load is not False and name_all:
                node_name = base
            file_name = file_name or f"{node_name or base}-{uuid.uuid4().hex}{ending}"
            for _ in range(maximumAttemptsCount):
                try:
                    path = self.downloadFileIntoCache(uri, file_name, checksum, forceDownload)
                except ValueError as error:
                    logging.error(error)
                    continue
                if not node_name:
                    paths.append(path)
                    break
                found = path if load is False else self.loadNode(path, node_name, kind, dict(source.loadFileProperties))
                if found is not None:
                    nodes.append(found)
                    break
                os.remove(path)  # it may have come incomplete
        return nodes or paths

    def downloadFileIntoCache(self, uri, name, checksum=None, forceDownload=False):
        """Copy a file of the local disk to the cache; one that is there already is used again."""
        folder = Path(slicer.mrmlScene.GetCacheManager().GetRemoteCacheDirectory())
        folder.mkdir(parents=True, exist_ok=True)
        return self.downloadFile(uri, str(folder), name, checksum, forceDownload)

    def downloadFile(self, uri, destFolderPath, name, checksum=None, forceDownload=False):
        parts = urllib.parse.urlparse(uri)
        if parts.scheme != "file":
            raise ValueError(f"the headless host does not download: {uri}")
        target = Path(destFolderPath, name)
        known = target.exists() and target.stat().st_size > 0 and _matches(target, checksum)
        if forceDownload or not known:
            try:
                shutil.copyfile(urllib.request.url2pathname(parts.path), target)
            except OSError as error:
                raise ValueError(f"Failed to download {uri} to {target}") from error
            if not _matches(target, checksum):
                logging.error("Checksum of %s is not %s", name, checksum)
                target.unlink()
        return str(target)

    def loadNode(self, uri, name, fileType=None, fileProperties=None):
        """Load a file of the cache; the first node, the scene when there is none, and None for an error.

        The nodes lose their storage nodes, for the cache is no place to save to.
        """
        manager, loaded = slicer.app.coreIOManager(), vtk.vtkCollection()
        properties = {**(fileProperties or {}), "fileName": uri, **({"name": name} if name else {})}
        success = manager.loadNodes(fileType or manager.fileType(uri), properties, loaded)
        nodes = [loaded.GetItemAsObject(index) for index in range(loaded.GetNumberOfItems())]
        if not success and not nodes:
            logging.error("Load failed!")
            return None
        for node in nodes:
            storage = node.GetStorageNode() if node.IsA("vtkMRMLStorableNode") else None
            if storage is not None:
                slicer.mrmlScene.RemoveNode(storage)
                node.SetAndObserveStorageNodeID(None)
        return nodes[0] if nodes else slicer.mrmlScene


def _matches(path, checksum):
    """Whether a file has the digest ``algorithm:digest``; without one every file has."""
    if not checksum:
        return True
    algorithm, _, digest = checksum.partition(":")
    return hashlib.new(algorithm, path.read_bytes()).hexdigest() == digest.lower()


def click_sample(name):
    """Go to the Sample Data module and press the button of a sample."""
    slicer.util.selectModule("SampleData")
    logic = SampleDataLogic()
    source = logic.sourceForSampleName(name)
    if source is None:
        raise ValueError(f"no sample is called {name!r}")
    button = qt.QToolButton()
    button.connect("clicked()", lambda: (source.customDownloader or logic.downloadFromSource)(source))
    button.click()


def build_sample_data_module():
    """The module that scripts import as ``SampleData``."""
    module = types.ModuleType("SampleData", __doc__)
    module.SampleDataSource = SampleDataSource
    module.SampleDataLogic = SampleDataLogic

    def downloadSample(sampleName):
        return SampleDataLogic().downloadSample(sampleName)

    def downloadSamples(sampleName):
        return SampleDataLogic().downloadSamples(sampleName)

    def downloadFromURL(**details):
        return SampleDataLogic().downloadFromURL(**details)

    for item in (downloadSample, downloadSamples, downloadFromURL):
        setattr(module, item.__name__, item)
    return module
