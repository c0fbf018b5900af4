"""Questions in SPARQL 1.1 to the records of this node; reads only.

``gate`` refuses what may not be asked, ``child`` holds the records and answers, ``pool`` keeps the children fed,
shares their time out and ends them, ``results`` writes what SELECT and ASK find.
"""
