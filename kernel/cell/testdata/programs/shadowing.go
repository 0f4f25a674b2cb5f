package main

import "fmt"

var x = "package"

func show() string { return x }

func scopes() {
	x := 1
	if x := x + 1; x > 1 {
		x := x * 10
		fmt.Print(x, " ")
	} else {
		fmt.Print(x)
	}
	{
		x := "block"
		fmt.Print(x, " ")
	}
	for x := range 2 {
		fmt.Print(x, " ")
	}
	fmt.Println(x, show())
}

func builtins() {
	len := func(s string) int { return 42 }
	true := false
	string := "s"
	nil := 3
	fmt.Println(len("x"), true, string, nil)
}

func params(fmt string) string { return fmt + "!" }

func results() (err error) {
	if err := fmt.Errorf("inner"); err != nil {
		_ = err
	}
	return err
}

func main() {
	scopes()
	builtins()
	fmt.Println(params("f"), results())
	x := 3
	func() {
		x := 4
		x++
	}()
	func() { x = 5 }()
	fmt.Println(x, show(), len("abc"))
}
