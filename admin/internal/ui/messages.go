package ui

import (
	"strings"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
	"golang.org/x/text/message/catalog"
)

// A translation is a message in the other languages. The English text is its
// name. In Russian a number stands apart, so that no word has to agree with it.
type translation struct{ russian, japanese string }

// ones are the English messages that are another for one of what %d counts.
var ones = map[string]string{
	"%d rows":                                "%d row",
	"%d columns":                             "%d column",
	"%d bytes":                               "%d byte",
	"Edit %d rows":                           "Edit %d row",
	"Delete %d rows?":                        "Delete %d row?",
	"At most %d rows at a time.":             "At most %d row at a time.",
	"At most %d characters; these are %d.":   "At most %d character; these are %d.",
	"%d rows are back in %s.":                "%d row is back in %s.",
	"%d rows were changed in %s.":            "%d row was changed in %s.",
	"%d rows were deleted from %s.":          "%d row was deleted from %s.",
	"%d sessions of %s were ended.":          "%d session of %s was ended.",
	"You are logged out in %d other places.": "You are logged out in %d other place.",
	"Choose one of %d rows with “%s”.":       "There is %d row with “%s”: choose it.",
	"What was sent is larger than %d bytes.": "What was sent is larger than %d byte.",
	"%s of queue %s returned %d messages":    "%s of queue %s returned %d message",
}

var messages = func() *catalog.Builder {
	b := catalog.NewBuilder(catalog.Fallback(language.English))
	set := func(tag language.Tag, key string, m catalog.Message) {
		if err := b.Set(tag, key, m); err != nil {
			panic(err) // a mistake in this file, which any test finds
		}
	}
	for key, one := range ones {
		counted := strings.Count(key[:strings.Index(key, "%d")], "%") + 1 // the number of the argument
		set(language.English, key, plural.Selectf(counted, "%d", plural.One, one, plural.Other, key))
	}
	for key, t := range translations {
		set(language.Russian, key, catalog.String(t.russian))
		set(language.Japanese, key, catalog.String(t.japanese))
	}
	return b
}()

var translations = map[string]translation{
	// The frame.
	"Skip to the content":         {"К содержанию", "本文へ移動"},
	"Logged in as":                {"Вы вошли как", "ログイン中:"},
	"Log out":                     {"Выйти", "ログアウト"},
	"Log in":                      {"Войти", "ログイン"},
	"Menu":                        {"Меню", "メニュー"},
	"Tables":                      {"Таблицы", "テーブル"},
	"Sessions":                    {"Сеансы", "セッション"},
	"Read the tables again":       {"Прочитать таблицы снова", "テーブルを読み直す"},
	"The tables were read again.": {"Таблицы прочитаны снова.", "テーブルを読み直しました。"},
	"This session":                {"Этот сеанс", "このセッション"},
	"All sessions":                {"Все сеансы", "すべてのセッション"},
	"Audit log":                   {"Журнал изменений", "監査ログ"},
	"Language":                    {"Язык", "言語"},
	"Back":                        {"Назад", "戻る"},
	"Cancel":                      {"Отмена", "キャンセル"},
	"Undo":                        {"Вернуть", "元に戻す"},
	"none":                        {"нет", "なし"},
	"nothing":                     {"ничего", "なし"},
	"yes":                         {"да", "はい"},
	"no":                          {"нет", "いいえ"},
	"never":                       {"никогда", "なし"},
	"nobody":                      {"никто", "未ログイン"},
	"empty":                       {"пусто", "空"},
	"required":                    {"обязательно", "必須"},
	"key":                         {"ключ", "キー"},
	"view":                        {"представление", "ビュー"},
	"read only":                   {"только чтение", "読み取り専用"},
	"%d":                          {"%d", "%d"},
	"%d+":                         {"%d+", "%d+"},
	"%d bytes":                    {"%d Б", "%d バイト"},
	"%d rows":                     {"строк: %d", "%d 行"},
	"more than %d rows":           {"строк больше %d", "%d 行以上"},
	"%d columns":                  {"столбцов: %d", "%d 列"},

	// Lists.
	"New row":                             {"Новая строка", "行を追加"},
	"Search":                              {"Поиск", "検索"},
	"Filter":                              {"Фильтр", "絞り込み"},
	"Columns":                             {"Столбцы", "列"},
	"Comparison":                          {"Сравнение", "比較"},
	"Apply":                               {"Применить", "適用"},
	"Select":                              {"Выбрать", "選択"},
	"Edit":                                {"Изменить", "編集"},
	"Delete":                              {"Удалить", "削除"},
	"Export:":                             {"Выгрузить:", "書き出し:"},
	"Show all":                            {"Показать все", "すべて表示"},
	"Pages":                               {"Страницы", "ページ"},
	"First":                               {"Первая", "最初"},
	"Previous":                            {"Назад", "前へ"},
	"Next":                                {"Вперёд", "次へ"},
	"Last":                                {"Последняя", "最後"},
	"Older":                               {"Раньше", "以前"},
	"Page %d":                             {"Страница %d", "%d ページ"},
	"Last page":                           {"Последняя страница", "最後のページ"},
	"Page %d of %d":                       {"Страница %d из %d", "%[2]d ページ中 %[1]d ページ"},
	"is":                                  {"равно", "等しい"},
	"is not":                              {"не равно", "等しくない"},
	"contains":                            {"содержит", "含む"},
	"begins with":                         {"начинается с", "で始まる"},
	"less than":                           {"меньше", "より小さい"},
	"at most":                             {"не больше", "以下"},
	"more than":                           {"больше", "より大きい"},
	"at least":                            {"не меньше", "以上"},
	"is NULL":                             {"NULL", "NULL である"},
	"is not NULL":                         {"не NULL", "NULL でない"},
	"No row matches.":                     {"Ничего не найдено.", "該当する行がありません。"},
	"There are no rows yet.":              {"Строк пока нет.", "まだ行がありません。"},
	"With the rows that are ticked:":      {"С отмеченными строками:", "選択した行を:"},
	"There is no column %q to sort by.":   {"Нет столбца %q для сортировки.", "並べ替える列 %q がありません。"},
	"There is no column %q to filter by.": {"Нет столбца %q для фильтра.", "絞り込む列 %q がありません。"},
	"There are no tables you may see in this database.":               {"В этой базе нет доступных вам таблиц.", "このデータベースに表示できるテーブルがありません。"},
	"The address of this page is damaged, so this is the first page.": {"Адрес страницы повреждён, поэтому показана первая страница.", "ページのアドレスが壊れているため、最初のページを表示しています。"},
	"Pages this far in are not reached by their number: filter, sort the other way round, or use Next.": {
		"Так далеко по номеру страницы не перейти: задайте фильтр, измените порядок или листайте вперёд.",
		"この位置のページは番号では開けません。絞り込むか、逆順に並べ替えるか、「次へ」を使ってください。"},

	// Forms.
	"Save":                            {"Сохранить", "保存"},
	"Save and go on":                  {"Сохранить и продолжить", "保存して続ける"},
	"Clone":                           {"Копировать", "複製"},
	"Change":                          {"Изменить", "変更"},
	"Download":                        {"Скачать", "ダウンロード"},
	"Find":                            {"Найти", "探す"},
	"Search by name":                  {"Поиск по имени", "名前で検索"},
	"Theirs:":                         {"У другого:", "相手の値:"},
	"New row in %s":                   {"Новая строка в %s", "%s に行を追加"},
	"Edit %d rows":                    {"Изменить строки: %d", "%d 行を編集"},
	"%s in %s":                        {"%s в %s", "%[2]s: %[1]s"},
	"Left empty: %s":                  {"Если пусто: %s", "空の場合: %s"},
	"Rows that point here":            {"Строки, которые ссылаются сюда", "この行を参照している行"},
	"Left empty: the next number":     {"Если пусто: следующий номер", "空の場合: 次の番号"},
	"Tick the fields to change.":      {"Отметьте поля, которые надо изменить.", "変更する項目を選択してください。"},
	"There is no file in this field.": {"В этом поле нет файла.", "この項目にファイルはありません。"},
	"Choose":                          {"Выбрать", "選ぶ"},
	"Rows of a table that you may not change would go along with it.":       {"Вместе с этим исчезли бы строки таблицы, которую вам нельзя менять.", "変更できないテーブルの行も一緒に消えます。"},
	"Rows of %s would go along with it, and you may not change that table.": {"Вместе с этим исчезли бы строки таблицы %s, а её вам нельзя менять.", "%s の行も一緒に消えますが、このテーブルは変更できません。"},
	"Someone else has deleted this row since you opened it. What you typed is still here: save to add it as a new row.": {
		"Пока строка была открыта, её кто-то удалил. То, что вы ввели, сохранилось здесь: сохраните, чтобы добавить новую строку.", "開いている間に、ほかの人がこの行を削除しました。入力した内容は残っています。保存すると新しい行として追加されます。"},
	"The database is busy with other changes to the same rows, so nothing was saved. Please try again.": {
		"База данных занята другими изменениями тех же строк, поэтому ничего не сохранено. Попробуйте ещё раз.", "データベースが同じ行のほかの変更で混み合っているため、保存されませんでした。もう一度お試しください。"},
	"The database does not let this site do that: %s":      {"База данных не разрешает этому сайту это сделать: %s", "データベースがこのサイトにこの操作を許可していません: %s"},
	"The database refuses this: %s":                        {"База данных отказала: %s", "データベースが拒否しました: %s"},
	"The search took too long: type the key itself.":       {"Поиск занял слишком много времени: введите сам ключ.", "検索に時間がかかりすぎました。キーを直接入力してください。"},
	"That could not be looked for.":                        {"Поиск не удался.", "検索できませんでした。"},
	"Choose one of %d rows with “%s”.":                     {"Выберите из найденных (%d) по запросу «%s».", "「%[2]s」を含む %[1]d 行から選んでください。"},
	"“%s” is not found in %s.":                             {"«%s» не найдено в %s.", "「%s」は %s にありません。"},
	"“%s” is found in more than %d rows: type more of it.": {"«%s» найдено больше чем в %d строках: уточните запрос.", "「%s」は %d 行より多く見つかりました。もっと詳しく入力してください。"},
	"Only the fields that are ticked are changed, to the same value in all of these rows.": {
		"Изменятся только отмеченные поля, одинаково во всех этих строках.", "選択した項目だけが、これらすべての行で同じ値に変わります。"},
	"Someone else has changed this row since you opened it.": {"Пока вы редактировали, строку изменил кто-то другой.", "開いている間に、他の人がこの行を変更しました。"},
	"Nothing is saved yet. Their version stands beside each field that differs; save to replace it by what the field says.": {
		"Пока ничего не сохранено. Рядом с каждым отличающимся полем показано чужое значение; сохраните, чтобы заменить его вашим.",
		"まだ保存されていません。違いのある項目には相手の値を表示しています。保存すると、入力した値に置き換わります。"},
	"Nothing is saved yet: please look at the fields that are marked.": {"Пока ничего не сохранено: проверьте отмеченные поля.", "まだ保存されていません。印の付いた項目を確認してください。"},

	// What happened to rows.
	"The row was added to %s.":                        {"Строка добавлена в %s.", "%s に行を追加しました。"},
	"The row was saved.":                              {"Строка сохранена.", "行を保存しました。"},
	"Nothing was changed.":                            {"Ничего не изменено.", "変更はありません。"},
	"“%s” was deleted from %s.":                       {"«%s» удалено из %s.", "「%s」を %s から削除しました。"},
	"“%s” was not deleted. %s":                        {"«%s» не удалено. %s", "「%s」は削除されませんでした。%s"},
	"No row was deleted. %s":                          {"Ничего не удалено. %s", "行は削除されませんでした。%s"},
	"%d rows were deleted from %s.":                   {"Удалено строк: %d (%s).", "%[2]s から %[1]d 行を削除しました。"},
	"%d rows were changed in %s.":                     {"Изменено строк: %d (%s).", "%[2]s の %[1]d 行を変更しました。"},
	"%d rows are back in %s.":                         {"Возвращено строк: %d (%s).", "%[2]s に %[1]d 行を戻しました。"},
	"Tick the rows first.":                            {"Сначала отметьте строки.", "先に行を選択してください。"},
	"At most %d rows at a time.":                      {"За один раз не больше %d строк.", "一度に %d 行までです。"},
	"Delete “%s”?":                                    {"Удалить «%s»?", "「%s」を削除しますか?"},
	"Delete %d rows?":                                 {"Удалить строки: %d?", "%d 行を削除しますか?"},
	"Delete this row":                                 {"Удалить эту строку", "この行を削除"},
	"Delete these rows":                               {"Удалить эти строки", "これらの行を削除"},
	"a table you may not see":                         {"недоступная вам таблица", "表示できないテーブル"},
	"will be deleted too":                             {"будут тоже удалены", "一緒に削除されます"},
	"will point nowhere":                              {"потеряют ссылку", "参照がなくなります"},
	"stand in the way":                                {"мешают удалению", "削除の妨げになります"},
	"It took too many other rows along to be undone.": {"С ней удалено слишком много других строк, вернуть их нельзя.", "一緒に削除された行が多すぎるため、元に戻せません。"},
	"The database will refuse while other rows point here: change or delete those first.": {
		"База откажет, пока на строку ссылаются другие: сначала измените или удалите их.", "他の行が参照している間は削除できません。先にそれらを変更または削除してください。"},
	"This cannot be undone any more: it was undone already, or it is too long ago.": {
		"Вернуть уже нельзя: это уже сделано, или прошло слишком много времени.", "もう元に戻せません。すでに戻したか、時間が経ちすぎています。"},
	"The rows could not be brought back: what is in the database by now stands in the way.": {
		"Вернуть строки не удалось: мешает то, что теперь есть в базе.", "行を戻せませんでした。現在のデータベースの内容と衝突しています。"},

	// What is wrong with a value.
	"A value is needed here.":                                           {"Здесь нужно значение.", "値を入力してください。"},
	"A value is needed here: the column cannot be NULL.":                {"Здесь нужно значение: столбец не может быть NULL.", "値が必要です。この列は NULL にできません。"},
	"A file is needed here.":                                            {"Здесь нужен файл.", "ファイルを選んでください。"},
	"At most %d characters; these are %d.":                              {"Не больше %d знаков, а здесь %d.", "%d 文字までです。現在 %d 文字です。"},
	"This is not a whole number, such as 42.":                           {"Это не целое число, например 42.", "整数ではありません。例: 42"},
	"This is not a number, such as 12.50.":                              {"Это не число, например 12.50.", "数値ではありません。例: 12.50"},
	"This is not a date, such as 2026-03-31.":                           {"Это не дата, например 2026-03-31.", "日付ではありません。例: 2026-03-31"},
	"This is not a time, such as 17:30.":                                {"Это не время, например 17:30.", "時刻ではありません。例: 17:30"},
	"This is not a date and time, such as 2026-03-31 17:30.":            {"Это не дата и время, например 2026-03-31 17:30.", "日時ではありません。例: 2026-03-31 17:30"},
	"This is not JSON: %s":                                              {"Это не JSON: %s", "JSON ではありません: %s"},
	"This is not a value of the type %s.":                               {"Это не значение типа %s.", "%s 型の値ではありません。"},
	"The database does not take one of the values: %s":                  {"База не принимает одно из значений: %s", "データベースが値の一つを受け付けません: %s"},
	"The database does not take a value in the address of this page.":   {"База не принимает значение из адреса этой страницы.", "このページのアドレスにある値をデータベースが受け付けません。"},
	"This value is too long.":                                           {"Значение слишком длинное.", "値が長すぎます。"},
	"This number is out of range.":                                      {"Число вне допустимого диапазона.", "数値が範囲外です。"},
	"Choose yes or no.":                                                 {"Выберите да или нет.", "はい か いいえ を選んでください。"},
	"Choose one of the values.":                                         {"Выберите одно из значений.", "値を一つ選んでください。"},
	"The database refused this row.":                                    {"База данных не приняла эту строку.", "データベースがこの行を拒否しました。"},
	"The database computes this column by itself.":                      {"Этот столбец база вычисляет сама.", "この列はデータベースが計算します。"},
	"A check of the database refuses this value: %s":                    {"Проверка базы не допускает это значение: %s", "データベースの検査がこの値を拒否しました: %s"},
	"Another row has this value already, and it has to be unique.":      {"Такое значение уже есть в другой строке, а оно должно быть уникальным.", "同じ値の行がすでにあります。値は一意でなければなりません。"},
	"A value points at a row of another table that does not exist.":     {"Одно из значений ссылается на несуществующую строку другой таблицы.", "他のテーブルに存在しない行を参照している値があります。"},
	"There is no such row in the table that this column points at.":     {"В таблице, на которую ссылается столбец, нет такой строки.", "この列が参照するテーブルに、その行はありません。"},
	"Rows of other tables point at this one, so the database keeps it.": {"На неё ссылаются строки других таблиц, поэтому база её сохраняет.", "他のテーブルの行がこの行を参照しているため、削除できません。"},

	// Problems.
	"There is no such page.":                                               {"Такой страницы нет.", "そのページはありません。"},
	"There is no such table.":                                              {"Такой таблицы нет.", "そのテーブルはありません。"},
	"There is no such row, or not any more.":                               {"Такой строки нет или уже нет.", "その行はないか、なくなりました。"},
	"There is no such button.":                                             {"Такой кнопки нет.", "そのボタンはありません。"},
	"There is no such queue.":                                              {"Такой очереди нет.", "そのキューはありません。"},
	"There is no such language.":                                           {"Такого языка нет.", "その言語はありません。"},
	"There is no such user.":                                               {"Такого пользователя нет.", "その利用者はいません。"},
	"There is no such session.":                                            {"Такого сеанса нет.", "そのセッションはありません。"},
	"There is no such session, or not any more.":                           {"Такого сеанса нет или уже нет.", "そのセッションはないか、なくなりました。"},
	"A view is read only.":                                                 {"Представление доступно только для чтения.", "ビューは読み取り専用です。"},
	"The database took too long.":                                          {"База данных отвечала слишком долго.", "データベースの応答に時間がかかりすぎました。"},
	"What was sent is larger than %d bytes.":                               {"Отправлено больше допустимого (байтов: %d).", "送信された内容が %d バイトを超えています。"},
	"You may look at this table, but not change it.":                       {"Эту таблицу можно смотреть, но не менять.", "このテーブルは表示できますが、変更できません。"},
	"You may look at this, but not change it.":                             {"Это можно смотреть, но не менять.", "表示できますが、変更できません。"},
	"The form did not arrive whole. Please send it again.":                 {"Форма пришла не полностью. Отправьте её ещё раз.", "フォームが完全に届きませんでした。もう一度送信してください。"},
	"Narrow it down with a filter, or sort by a column that has an index.": {"Задайте фильтр или отсортируйте по столбцу с индексом.", "絞り込むか、索引のある列で並べ替えてください。"},
	"Something went wrong, and the reason is in the log of the server.":    {"Что-то пошло не так; причина записана в журнале сервера.", "問題が発生しました。原因はサーバーのログにあります。"},
	"You are not logged in any more, so nothing was changed.":              {"Вы больше не в системе, поэтому ничего не изменено.", "ログインが切れているため、何も変更していません。"},
	"This table has no primary key, so its rows cannot be told apart: it is read only.": {
		"У таблицы нет первичного ключа, строки не различить: она только для чтения.", "このテーブルには主キーがなく、行を区別できないため、読み取り専用です。"},
	"The form you sent was not one that this site made for your session, so nothing was changed.": {
		"Отправленная форма создана не этим сайтом для вашего сеанса, поэтому ничего не изменено.", "送信されたフォームはこのセッションのために作られたものではないため、何も変更していません。"},
	"If you have logged in or out in another tab since you opened it, go back, reload the page and try again. (%s)": {
		"Если вы входили или выходили в другой вкладке, вернитесь, обновите страницу и попробуйте снова. (%s)",
		"別のタブでログインまたはログアウトした場合は、戻ってページを再読み込みし、もう一度お試しください。(%s)"},

	// Logging in.
	"Name":                                   {"Имя", "名前"},
	"Password":                               {"Пароль", "パスワード"},
	"Welcome, %s.":                           {"Здравствуйте, %s.", "ようこそ、%s さん。"},
	"You are logged out.":                    {"Вы вышли.", "ログアウトしました。"},
	"This link logs you in as":               {"По этой ссылке вы войдёте как", "このリンクでログインする利用者:"},
	"It works once.":                         {"Она действует один раз.", "一度だけ使えます。"},
	"Welcome, %s. The link is used up.":      {"Здравствуйте, %s. Ссылка использована.", "ようこそ、%s さん。リンクは使用済みになりました。"},
	"Name and password do not fit together.": {"Имя и пароль не подходят друг к другу.", "名前とパスワードが一致しません。"},
	"Too many attempts. Please wait %s and try again.": {"Слишком много попыток. Подождите %s и попробуйте снова.", "試行回数が多すぎます。%s 待ってからもう一度お試しください。"},
	"Open the login link that the command printed in its terminal. It works once, for five minutes.": {
		"Откройте ссылку для входа, которую команда напечатала в терминале. Она действует один раз, пять минут.", "コマンドが端末に表示したログインリンクを開いてください。5 分間、一度だけ使えます。"},
	"It has run out? Press Enter in that terminal for another one.": {"Срок истёк? Нажмите Enter в том терминале, и появится новая.", "期限切れの場合は、その端末で Enter を押すと新しいリンクが表示されます。"},
	"This login link does not work: it was used, or it is older than five minutes.": {
		"Эта ссылка не действует: она использована или старше пяти минут.", "このログインリンクは使えません。使用済みか、5 分以上経っています。"},
	"Press Enter in the terminal where the command runs for another one.": {"Нажмите Enter в терминале, где работает команда, и появится новая.", "コマンドを実行している端末で Enter を押すと新しいリンクが表示されます。"},

	// This session.
	"What the server keeps for this browser, and what can be done with it.": {"Что сервер хранит для этого браузера и что с этим можно сделать.", "サーバーがこのブラウザーのために保持しているものと、できる操作です。"},
	"Visits to this page:":              {"Посещений этой страницы:", "このページの訪問回数:"},
	"What it holds":                     {"Что в нём", "内容"},
	"Principal":                         {"Пользователь", "プリンシパル"},
	"Handle":                            {"Идентификатор", "ハンドル"},
	"New":                               {"Новый", "新規"},
	"Created":                           {"Создан", "作成"},
	"Logged in":                         {"Вход", "ログイン"},
	"Time left if unused":               {"Осталось без использования", "未使用時の残り時間"},
	"Time left at most":                 {"Осталось самое большее", "最長の残り時間"},
	"%s ago":                            {"%s назад", "%s前"},
	"%d d %d h":                         {"%d д %d ч", "%d 日 %d 時間"},
	"%d h %d min":                       {"%d ч %d мин", "%d 時間 %d 分"},
	"%d min %d s":                       {"%d мин %d с", "%d 分 %d 秒"},
	"%d s":                              {"%d с", "%d 秒"},
	"none: everything is in the cookie": {"нет: всё находится в cookie", "なし: すべて Cookie の中にあります"},
	"Renew":                             {"Обновить токен", "トークンを更新"},
	"New CSRF token":                    {"Новый токен CSRF", "新しい CSRF トークン"},
	"Invalidate":                        {"Завершить", "無効にする"},
	"Log out everywhere else":           {"Выйти во всех других местах", "他のすべてからログアウト"},
	"Renew keeps everything under a new token. A new CSRF token makes forms in other tabs stale. Invalidate ends the session: you will have to log in again.": {
		"Обновление сохраняет всё под новым токеном. После нового токена CSRF формы в других вкладках не подойдут. Завершение прекращает сеанс: придётся войти снова.",
		"更新すると、内容はそのままでトークンだけが変わります。CSRF トークンを変えると、他のタブのフォームは使えなくなります。無効にするとセッションが終わり、再度ログインが必要です。"},
	"The session has a new token; everything else is as before.": {"У сеанса новый токен; всё остальное по-прежнему.", "セッションのトークンを更新しました。他はそのままです。"},
	"The session has a new CSRF token. Forms that are open in other tabs do not work any more.": {
		"У сеанса новый токен CSRF. Открытые в других вкладках формы больше не действуют.", "CSRF トークンを更新しました。他のタブで開いているフォームは使えません。"},
	"You are logged out in %d other places.": {"Выход выполнен в других местах: %d.", "他の %d か所からログアウトしました。"},
	"Flash messages":                         {"Одноразовые сообщения", "フラッシュメッセージ"},
	"Message":                                {"Сообщение", "メッセージ"},
	"Push":                                   {"Добавить", "追加"},
	"Push without duplicates":                {"Добавить без повторов", "重複なしで追加"},
	"Peek":                                   {"Посмотреть", "のぞく"},
	"Pop":                                    {"Забрать", "取り出す"},
	"%d waiting":                             {"ожидает: %d", "%d 件待機中"},
	"Pushed to queue %s.":                    {"Добавлено в очередь %s.", "キュー %s に追加しました。"},
	"%s of queue %s returned %d messages":    {"%s из очереди %s: сообщений %d", "%[2]s の %[1]s: %[3]d 件"},
	"Messages wait in a queue until a page takes them. Push some, look at them, take them: a second Pop finds nothing.": {
		"Сообщения ждут в очереди, пока страница их не заберёт. Добавьте, посмотрите, заберите: во второй раз там пусто.",
		"メッセージはページが取り出すまでキューで待ちます。追加し、のぞき、取り出してください。二度目は空です。"},
	"Write a message of at most 1000 bytes to push.":                       {"Напишите сообщение не длиннее 1000 байтов.", "1000 バイトまでのメッセージを入力してください。"},
	"An equal message is waiting in queue %s, so it was not pushed again.": {"Такое же сообщение уже ждёт в очереди %s, поэтому не добавлено.", "同じメッセージがキュー %s で待っているため、追加しませんでした。"},

	// All sessions.
	"User":                             {"Пользователь", "利用者"},
	"Device":                           {"Устройство", "端末"},
	"Address":                          {"Адрес", "アドレス"},
	"Last seen":                        {"Последний запрос", "最終アクセス"},
	"Time left":                        {"Осталось", "残り時間"},
	"Actions":                          {"Действия", "操作"},
	"Size":                             {"Размер", "サイズ"},
	"Version":                          {"Версия", "版"},
	"this one":                         {"этот", "現在"},
	"Look inside":                      {"Заглянуть", "内容を見る"},
	"End":                              {"Завершить", "終了"},
	"End all of %s":                    {"Завершить все: %s", "%s のすべてを終了"},
	"End everything":                   {"Завершить все", "すべて終了"},
	"End every session now":            {"Завершить все сеансы", "すべてのセッションを終了する"},
	"End this session":                 {"Завершить этот сеанс", "このセッションを終了"},
	"Everyone is logged out, you too.": {"Выйдут все, и вы тоже.", "あなたを含め、全員がログアウトします。"},
	"Your session was ended.":          {"Ваш сеанс завершён.", "セッションが終了しました。"},
	"The session was ended.":           {"Сеанс завершён.", "セッションを終了しました。"},
	"%d sessions of %s were ended.":    {"Завершено сеансов: %d (%s).", "%[2]s のセッションを %[1]d 件終了しました。"},
	"Sessions of":                      {"Сеансы пользователя", "利用者のセッション:"},
	"Session of %s":                    {"Сеанс: %s", "%s のセッション"},
	"%s active":                        {"активных: %s", "有効: %s 件"},
	"as of %s UTC":                     {"на %s UTC", "%s UTC 時点"},
	"Only those seen last are shown.":  {"Показаны только последние.", "最近アクセスしたものだけを表示しています。"},
	"There is no session to show.":     {"Нет сеансов для показа.", "表示するセッションがありません。"},
	"The values are for those who may see them.":                     {"Значения видны только тем, кому это разрешено.", "値は許可された人だけが見られます。"},
	"What it holds cannot be read: %v":                               {"Содержимое не читается: %v", "内容を読めません: %v"},
	"Where these sessions are kept, they cannot be ended from here.": {"Там, где хранятся эти сеансы, завершить их отсюда нельзя.", "これらのセッションは、保存先の都合でここから終了できません。"},
	"Active sessions (line) and logins (bars), last 24 hours":        {"Активные сеансы (линия) и входы (столбцы) за 24 часа", "過去 24 時間の有効なセッション(線)とログイン(棒)"},
	"top of the line: %s":                                            {"верх линии: %s", "線の最大: %s"},
	"In the last 24 hours: at most %d active sessions, %d logins.":   {"За 24 часа: активных сеансов не больше %d, входов %d.", "過去 24 時間: 有効なセッションは最大 %d、ログインは %d。"},
	"Rejected cookies and forms, last 24 hours":                      {"Отклонённые cookie и формы за 24 часа", "過去 24 時間に拒否した Cookie とフォーム"},
	"What happened last":                                             {"Последние события", "最近の出来事"},

	// The audit log.
	"When (UTC)":               {"Когда (UTC)", "日時 (UTC)"},
	"Who":                      {"Кто", "誰が"},
	"What":                     {"Что", "何を"},
	"Table":                    {"Таблица", "テーブル"},
	"Row":                      {"Строка", "行"},
	"Changes":                  {"Изменения", "変更内容"},
	"added":                    {"добавлено", "追加"},
	"changed":                  {"изменено", "変更"},
	"deleted":                  {"удалено", "削除"},
	"brought back":             {"возвращено", "復元"},
	"ended":                    {"завершено", "終了"},
	"logged in":                {"вход", "ログイン"},
	"Nothing was changed yet.": {"Изменений пока нет.", "まだ変更はありません。"},
	"It was done, but could not be written to the audit log.": {"Сделано, но не записано в журнал изменений.", "実行しましたが、監査ログに書き込めませんでした。"},

	// Names of status codes, as net/http has them.
	"Bad Request":              {"Неверный запрос", "不正な要求"},
	"Forbidden":                {"Нельзя", "許可されていません"},
	"Not Found":                {"Не найдено", "見つかりません"},
	"Conflict":                 {"Противоречие", "競合"},
	"Gone":                     {"Уже нет", "なくなりました"},
	"Request Entity Too Large": {"Слишком много данных", "大きすぎます"},
	"Too Many Requests":        {"Слишком много запросов", "要求が多すぎます"},
	"Internal Server Error":    {"Ошибка сервера", "サーバーエラー"},
	"Not Implemented":          {"Не поддерживается", "対応していません"},
	"Service Unavailable":      {"Сервис недоступен", "利用できません"},
	"Gateway Timeout":          {"Время ожидания истекло", "時間切れ"},
}
