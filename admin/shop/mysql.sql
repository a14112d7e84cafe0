CREATE TABLE customers (
  id         INTEGER AUTO_INCREMENT PRIMARY KEY,
  name       VARCHAR(80) NOT NULL,
  email      VARCHAR(120) NOT NULL UNIQUE,
  phone      VARCHAR(40),
  city       VARCHAR(60) NOT NULL DEFAULT '',
  country    CHAR(2) NOT NULL CHECK (char_length(country) = 2),
  born_on    DATE,
  newsletter BOOLEAN NOT NULL DEFAULT 0,
  notes      TEXT,
  created_at DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
  INDEX (name)
) CHARACTER SET utf8mb4;

CREATE TABLE products (
  id          INTEGER AUTO_INCREMENT PRIMARY KEY,
  sku         VARCHAR(20) NOT NULL UNIQUE,
  name        VARCHAR(80) NOT NULL,
  description TEXT,
  price       DECIMAL(10,2) NOT NULL CHECK (price >= 0),
  in_stock    INTEGER NOT NULL DEFAULT 0 CHECK (in_stock >= 0),
  active      BOOLEAN NOT NULL DEFAULT 1,
  attributes  JSON,
  picture     LONGBLOB,
  released_on DATE
) CHARACTER SET utf8mb4;

CREATE TABLE tags (
  id    INTEGER AUTO_INCREMENT PRIMARY KEY,
  name  VARCHAR(40) NOT NULL UNIQUE,
  color CHAR(7) NOT NULL DEFAULT '#4a5568'
) CHARACTER SET utf8mb4;

CREATE TABLE product_tags (
  product_id INTEGER NOT NULL,
  tag_id     INTEGER NOT NULL,
  PRIMARY KEY (product_id, tag_id),
  FOREIGN KEY (product_id) REFERENCES products (id) ON DELETE CASCADE,
  FOREIGN KEY (tag_id) REFERENCES tags (id)
);

CREATE TABLE orders (
  id          INTEGER AUTO_INCREMENT PRIMARY KEY,
  customer_id INTEGER NOT NULL,
  status      ENUM('new', 'paid', 'shipped', 'delivered', 'cancelled') NOT NULL DEFAULT 'new',
  placed_at   DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
  shipped_at  DATETIME,
  comment     TEXT,
  INDEX (placed_at),
  FOREIGN KEY (customer_id) REFERENCES customers (id)
) CHARACTER SET utf8mb4;

CREATE TABLE order_lines (
  order_id   INTEGER NOT NULL,
  line       INTEGER NOT NULL,
  product_id INTEGER NOT NULL,
  quantity   INTEGER NOT NULL DEFAULT 1 CHECK (quantity > 0),
  price      DECIMAL(10,2) NOT NULL,
  total      DECIMAL(12,2) GENERATED ALWAYS AS (quantity * price) VIRTUAL,
  PRIMARY KEY (order_id, line),
  FOREIGN KEY (order_id) REFERENCES orders (id) ON DELETE CASCADE,
  FOREIGN KEY (product_id) REFERENCES products (id)
);

CREATE VIEW sales_by_month AS
  SELECT date_format(placed_at, '%Y-%m') AS month, count(DISTINCT o.id) AS orders, sum(l.quantity) AS pieces, round(sum(l.total), 2) AS revenue
  FROM orders AS o JOIN order_lines AS l ON l.order_id = o.id
  WHERE o.status <> 'cancelled'
  GROUP BY 1
  ORDER BY 1;
