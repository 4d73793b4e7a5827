print("running the benchmark")
