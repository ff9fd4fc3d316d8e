"""Shuffle in Spark, local mode. Arguments: input, output, root, N."""

import sys

from pyspark.sql import SparkSession

source, target, root, count = sys.argv[1:5]
spark = (
    SparkSession.builder.master("local[*]")
    .config("spark.ui.enabled", "false")
    .config("spark.ui.showConsoleProgress", "false")
    .config("spark.driver.memory", "6g")
    .config("spark.local.dir", root)
    .getOrCreate()
)
spark.sparkContext.setLogLevel("ERROR")
spark.read.parquet(source).repartition(int(count), "ticker").write.parquet(target)
spark.stop()
