"""Assessments: the main job, what compares them, and their files."""
