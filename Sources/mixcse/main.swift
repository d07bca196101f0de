print("mixcse")
