package shop

var plainLetters = map[rune]string{'é': "e", 'è': "e", 'ö': "oe", 'ü': "ue", 'ä': "ae", 'å': "a", 'ø': "o", 'ñ': "n", 'í': "i", 'á': "a", 'ó': "o", 'ç': "c", 'ł': "l", 'ś': "s"}

var firstNames = []string{"Ada", "Amina", "Anders", "Bea", "Björn", "Carla", "Chidi", "Daria", "Elif", "Emil", "Farah", "Goran", "Hana", "Igor", "Inés", "Jonas", "Kaito", "Lena", "Luca", "Mei", "Milan", "Nadia", "Noor", "Olga", "Petra", "Rafael", "Saga", "Tariq", "Uma", "Viktor", "Wanda", "Yuki", "Zoé"}

var lastNames = []string{"Abara", "Aydın", "Bergström", "Castro", "Dubois", "Eriksen", "Ferreira", "García", "Haddad", "Ivanova", "Jansen", "Kowalska", "Lindqvist", "Moreau", "Nakamura", "Okafor", "Petrov", "Quispe", "Rossi", "Sato", "Tanaka", "Urban", "Vargas", "Weiß", "Young", "Zhang"}

type place struct {
	city, country string
	code          int
}

var places = []place{
	{"Lisbon", "PT", 351}, {"Porto", "PT", 351}, {"Kyoto", "JP", 81}, {"Osaka", "JP", 81}, {"Łódź", "PL", 48}, {"Göteborg", "SE", 46},
	{"Lagos", "NG", 234}, {"Lima", "PE", 51}, {"Lyon", "FR", 33}, {"Zürich", "CH", 41}, {"Izmir", "TR", 90}, {"Toronto", "CA", 1}, {"Utrecht", "NL", 31},
}

type kind struct {
	name  string
	cents int // at least
}

var kinds = []kind{
	{"Lamp", 3900}, {"Mug", 900}, {"Chair", 8900}, {"Basket", 1900}, {"Clock", 4500}, {"Blanket", 5200}, {"Teapot", 2900},
	{"Notebook", 700}, {"Vase", 2400}, {"Stool", 6100}, {"Tray", 1500}, {"Candle", 600}, {"Mirror", 7400},
}

var adjectives = []string{"Amber", "Blue", "Folding", "Gentle", "Harbour", "Little", "Moss", "Northern", "Old", "Paper", "Plain", "Quiet", "Round", "Salt", "Slow", "Tall", "Winter"}

var materials = []string{"ash", "brass", "clay", "cork", "glass", "linen", "oak", "steel", "willow", "wool"}

var tagNames = []struct{ name, color string }{
	{"new", "#2f855a"}, {"sale", "#c53030"}, {"handmade", "#975a16"}, {"kitchen", "#2b6cb0"}, {"outdoor", "#276749"}, {"gift", "#b83280"},
	{"fragile", "#9b2c2c"}, {"bulky", "#4a5568"}, {"office", "#285e61"}, {"last pieces", "#744210"}, {"recycled", "#22543d"}, {"limited", "#553c9a"},
}

var statuses = []string{"new", "paid", "paid", "shipped", "shipped", "delivered", "delivered", "delivered", "cancelled"}

var remarks = []string{
	"Prefers deliveries in the morning.",
	"Asked for an invoice without prices.\nSend it by post.",
	"Wholesale: 10 % from 20 pieces.",
	"Doorbell is broken, please call.",
	"Returned two mugs, refunded.",
}
