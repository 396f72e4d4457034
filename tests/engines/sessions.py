"""Both engines in one process: Sail inside it, and an Apache Spark that ends with it."""

import os
import shutil
import warnings
from collections.abc import Iterator

import pytest
from pyspark.sql import SparkSession


@pytest.fixture(scope="session")
def sail() -> SparkSession:
    """A session of Sail, in this process."""
    from lake import engine

    if engine.engine() != "sail":
        pytest.skip(f"LAKE_ENGINE or SPARK_REMOTE asks for {engine.engine()}")
    return engine.session()


@pytest.fixture(scope="session")
def apache_spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """A session of an Apache Spark of its own."""
    from lake import engine
    from lake.spark_server import SparkServer

    if not (shutil.which("java") or os.environ.get("JAVA_HOME")):
        pytest.skip("Apache Spark needs Java 17, which this machine doesn't have")
    try:
        server = SparkServer(cores="1", memory="1g", folder=tmp_path_factory.mktemp("spark"))
    except engine.EngineFailed as error:
        pytest.skip(str(error))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        session = engine._connected(server.url, engine._CONFIG | engine._SPARK_CONFIG)
    # hundreds of expressions over few rows: compiling them to Java would take minutes
    for key, value in {"spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN"}.items():
        session.conf.set(key, value)
    yield session
    session.stop()
    server.stop()
