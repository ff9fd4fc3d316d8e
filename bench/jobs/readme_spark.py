"""README job in Spark, local mode. Arguments: input, output, root."""

import sys

from pyspark.sql import SparkSession
from pyspark.sql import functions as f

source, target, root = sys.argv[1:4]
spark = (
    SparkSession.builder.master("local[*]")
    .config("spark.ui.enabled", "false")
    .config("spark.ui.showConsoleProgress", "false")
    .config("spark.driver.memory", "6g")
    .config("spark.sql.shuffle.partitions", "16")
    .config("spark.local.dir", root)
    .getOrCreate()
)
spark.sparkContext.setLogLevel("ERROR")
spark.read.parquet(source).groupBy("ticker").agg(
    f.min("price").alias("low"),
    f.max("price").alias("high"),
    f.avg("price").alias("mean"),
    f.sum("volume").alias("volume"),
    f.count("*").alias("n"),
).write.parquet(target)
spark.stop()
