// Keeps the page about sessions up to date. Without scripts, reload the page.
const live = document.getElementById("live");
const stream = new EventSource(live.dataset.stream);
stream.addEventListener("update", (event) => {
  // Replacing what has the focus would take it away.
  if (live.contains(document.activeElement)) return;
  live.innerHTML = event.data;
});
stream.addEventListener("ended", (event) => {
  stream.close();
  live.textContent = live.dataset.ended;
  location.assign(event.data);
});
// A stream that is refused does not come back by itself: the session has ended
// before it began, or there is trouble that the page itself can tell.
stream.addEventListener("error", () => {
  if (stream.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), 10000);
});
