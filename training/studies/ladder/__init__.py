"""The ladder of Georgescu et al. 2021: teacher, students and their combination on faces of which half is hidden, row by row.

Georgescu et al.: Teacher-student training and triplet loss to reduce the effect of drastic face occlusion, 2021, section 4:
how much of what a hidden half takes away comes back by fine-tuning, by distillation, and by the combination of two distilled
students. Every row is kept on disk, so that a run goes on where it was stopped.
"""
