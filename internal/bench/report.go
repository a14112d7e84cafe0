package main

func writeDocument(docs string, r *Results) error { return nil }
