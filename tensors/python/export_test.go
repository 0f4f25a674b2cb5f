package python

// FindBesides is Find with another Python of the system.
var FindBesides = find
