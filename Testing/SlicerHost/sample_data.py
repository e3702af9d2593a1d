"""Slicer's ``SampleData`` module: registered data sets, loaded from the local disk.

Only ``file://`` addresses are fetched; the host never opens the network.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
import types
import urllib.parse
import urllib.request
from pathlib import Path

import slicer


def _as_list(value, count):
    return list(value) if isinstance(value, (list, tuple)) else [value] * count


class SampleDataSource:
    """One entry of the Sample Data module."""

    def __init__(self, sampleName=None, sampleDescription=None, uris=None, fileNames=None,
                 nodeNames=None, checksums=None, loadFiles=None, customDownloader=None,
                 thumbnailFileName=None, loadFileTypes=None, loadFileProperties=None,
                 loadFileType=None):
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
    def registerCustomSampleDataSource(category="Custom", sampleName=None, uris=None,
                                       fileNames=None, nodeNames=None, customDownloader=None,
                                       thumbnailFileName=None, loadFileTypes=None, loadFiles=None,
                                       loadFileProperties={}, checksums=None, loadFileType=None):
        """Offer a data set in a section of the Sample Data module."""
        source = SampleDataSource(
            sampleName=sampleName, uris=uris, fileNames=fileNames, nodeNames=nodeNames,
            thumbnailFileName=thumbnailFileName, loadFileTypes=loadFileTypes, loadFiles=loadFiles,
            loadFileProperties=loadFileProperties, checksums=checksums,
            customDownloader=customDownloader, loadFileType=loadFileType)
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
        details.pop("forceDownload", None)
        return self.downloadFromSource(SampleDataSource(uris=uris, **details))

    def downloadFromSource(self, source, maximumAttemptsCount=3, forceDownload=False):
        """Fetch and load; nodes where files were loaded, else paths."""
        if source.customDownloader is not None:
            return source.customDownloader(source)
        nodes, paths = [], []
        name_all = all(name is None for name in source.nodeNames)
        for uri, file_name, node_name, checksum, load, kind in zip(
                source.uris, source.fileNames, source.nodeNames, source.checksums,
                source.loadFiles, source.loadFileTypes):
            path = self.downloadFileIntoCache(uri, file_name or Path(urllib.parse.urlparse(uri).path).name,
                                              checksum)
            if node_name is None and load is not False and name_all:
                node_name = Path(path).name.partition(".")[0]
            if node_name is None or load is False:
                paths.append(path)
                continue
            properties = {**source.loadFileProperties, "name": node_name}
            nodes.append(slicer.util.loadNodeFromFile(path, kind, properties))
        return nodes or paths

    def downloadFileIntoCache(self, uri, name, checksum=None, forceDownload=False):
        """Copy a file of the local disk to the cache and check its digest."""
        parts = urllib.parse.urlparse(uri)
        if parts.scheme != "file":
            raise ValueError(f"the headless host does not download: {uri}")
        folder = Path(slicer.app.temporaryPath, "RemoteIO")
        folder.mkdir(exist_ok=True)
        target = folder / name
        shutil.copyfile(urllib.request.url2pathname(parts.path), target)
        if checksum:
            algorithm, _, digest = checksum.partition(":")
            found = hashlib.new(algorithm, target.read_bytes()).hexdigest()
            if found != digest:
                target.unlink()
                raise ValueError(f"Checksum of {name} is {found}, expected {digest}")
        logging.debug("sample data in %s", target)
        return str(target)


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
