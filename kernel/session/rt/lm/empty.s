// Lets lm.go declare functions without body.
