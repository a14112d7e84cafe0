CREATE TABLE customers (
  id         INTEGER PRIMARY KEY,
  name       VARCHAR(80) NOT NULL,
  email      VARCHAR(120) NOT NULL UNIQUE,
  phone      VARCHAR(40),
  city       VARCHAR(60) NOT NULL DEFAULT '',
  country    CHAR(2) NOT NULL CHECK (length(country) = 2),
  born_on    DATE,
  newsletter BOOLEAN NOT NULL DEFAULT 0,
  notes      TEXT,
  created_at DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX customers_name ON customers (name);

CREATE TABLE products (
  id          INTEGER PRIMARY KEY,
  sku         VARCHAR(20) NOT NULL UNIQUE,
  name        VARCHAR(80) NOT NULL,
  description TEXT,
  price       DECIMAL(10,2) NOT NULL CHECK (price >= 0),
  in_stock    INTEGER NOT NULL DEFAULT 0 CHECK (in_stock >= 0),
  active      BOOLEAN NOT NULL DEFAULT 1,
  attributes  JSON CHECK (attributes IS NULL OR json_valid(attributes)),
  picture     BLOB,
  released_on DATE
);

CREATE TABLE tags (
  id    INTEGER PRIMARY KEY,
  name  VARCHAR(40) NOT NULL UNIQUE,
  color CHAR(7) NOT NULL DEFAULT '#4a5568'
);

CREATE TABLE product_tags (
  product_id INTEGER NOT NULL REFERENCES products (id) ON DELETE CASCADE,
  tag_id     INTEGER NOT NULL REFERENCES tags (id),
  PRIMARY KEY (product_id, tag_id)
) WITHOUT ROWID;

CREATE TABLE orders (
  id          INTEGER PRIMARY KEY,
  customer_id INTEGER NOT NULL REFERENCES customers (id),
  status      TEXT NOT NULL DEFAULT 'new' CHECK (status IN ('new', 'paid', 'shipped', 'delivered', 'cancelled')),
  placed_at   DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
  shipped_at  DATETIME,
  comment     TEXT
);
CREATE INDEX orders_customer ON orders (customer_id);
CREATE INDEX orders_placed ON orders (placed_at);

CREATE TABLE order_lines (
  order_id   INTEGER NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
  line       INTEGER NOT NULL,
  product_id INTEGER NOT NULL REFERENCES products (id),
  quantity   INTEGER NOT NULL DEFAULT 1 CHECK (quantity > 0),
  price      DECIMAL(10,2) NOT NULL,
  total      DECIMAL(12,2) GENERATED ALWAYS AS (quantity * price) VIRTUAL,
  PRIMARY KEY (order_id, line)
);
CREATE INDEX order_lines_product ON order_lines (product_id);

CREATE VIEW sales_by_month AS
  SELECT substr(placed_at, 1, 7) AS month, count(DISTINCT o.id) AS orders, sum(l.quantity) AS pieces, round(sum(l.total), 2) AS revenue
  FROM orders AS o JOIN order_lines AS l ON l.order_id = o.id
  WHERE o.status <> 'cancelled'
  GROUP BY 1;
