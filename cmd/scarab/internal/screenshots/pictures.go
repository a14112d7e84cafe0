package main

// A picture is a page, and how to look at it. Without a path it is the page
// that the picture before has led to.
type picture struct {
	name, path    string
	width, height int64  // default 1280, 800
	scheme        string // default "light"
	language      string // default English
	before        func(*camera) error
}

// The order matters: each picture shows what was done for those before it.
var pictures = []picture{
	{name: "sign-in", height: 480, before: func(c *camera) error { _, err := c.Open(c.site.base + c.site.links.New("admin")); return err }},
	{name: "tables", height: 600, before: func(c *camera) error { return c.press("button.primary") }},
	{name: "list", path: "/t/orders?sort=placed_at&dir=desc"},
	{name: "filtered", path: "/t/products?o.price=lt&f.price=20&o.in_stock=gt&f.in_stock=100&c=id&c=sku&c=name&c=price&c=in_stock&c=active&c=released_on"},
	{name: "edit", path: "/t/orders/row/9", height: 900},
	{name: "saved", path: "/t/customers/row/7", height: 600, before: func(c *camera) error { return c.save("phone", "+351 555 7788") }},
	{name: "mistake", path: "/t/products/row/4", height: 900, before: func(c *camera) error {
		if err := c.Type(`[name="v.sku"]`, "MUG-0001"); err != nil {
			return err
		}
		return c.save("name", "Quiet Wall Clock")
	}},
	{name: "conflict", path: "/t/tags/row/4", before: conflict},
	{name: "delete", path: "/t/orders/row/7/delete", height: 700},
	{name: "undo", height: 600, before: func(c *camera) error { return c.press("form.actions .danger") }},
	{name: "audit", path: "/audit", height: 700},
	{name: "this-session", path: "/session", height: 1100, before: push},
	{name: "sessions", path: "/sessions", height: 960},
	{name: "sessions-dark", path: "/sessions", height: 960, scheme: "dark"},
	{name: "one-session", height: 560, before: func(c *camera) error { return c.press(`tr:has(a[href$="user=noor"]) .row-actions a`) }},
	{name: "list-dark", path: "/t/customers?page=2", height: 700, scheme: "dark"},
	{name: "russian", path: "/t/products/row/6", height: 900, language: "ru"},
	{name: "japanese", path: "/session", height: 1000, language: "ja"},
	{name: "narrow-list", path: "/t/products", width: 400},
	{name: "narrow-form", path: "/t/tags/row/3", width: 400},
	{name: "narrow-dark", path: "/sessions", width: 400, scheme: "dark"},
}

// press presses what leads to another page.
func (c *camera) press(selector string) error {
	_, err := c.Click(selector)
	return err
}

// save fills one field of a row's form, and saves it.
func (c *camera) save(column, text string) error {
	if err := c.Type(`[name="v.`+column+`"]`, text); err != nil {
		return err
	}
	return c.press(".row-form .actions .primary")
}

// conflict saves in two tabs what was opened in both.
func conflict(c *camera) error {
	tab, err := c.Tab.Tab()
	if err != nil {
		return err
	}
	defer tab.Close()
	other := &camera{Tab: tab, site: c.site}
	if _, err := other.Open(c.site.base + "/t/tags/row/4"); err != nil {
		return err
	}
	if err := other.save("name", "cooking"); err != nil {
		return err
	}
	return c.save("name", "kitchen and table")
}

func push(c *camera) error {
	for _, message := range []string{"Saved your cart.", "Two lamps are waiting."} {
		if err := c.Type("#message0", message); err != nil {
			return err
		}
		if err := c.press(`button[value="push"]`); err != nil {
			return err
		}
	}
	return nil
}
