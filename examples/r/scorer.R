# A scorer and a job in R: `argv = ["Rscript", "--vanilla", "scorer.R"]`. See docs/program-protocol.md.
library(jsonlite)
invisible(Sys.setlocale("LC_CTYPE", "C.UTF-8"))

# What is printed belongs in the program's log; stdout is the protocol's.
protocol <- suppressWarnings(file("/dev/stdout", "a"))
sink(stderr())

scorers <- list(
  lexical = list(
    outputs = list("diversity", "words"), reads = list("text"),
    score = function(texts) {
      words <- strsplit(tolower(texts), "[^[:alpha:]']+")
      words <- lapply(words, function(w) w[nzchar(w)])
      n <- lengths(words)
      list(diversity = ifelse(n == 0, NA, lengths(lapply(words, unique)) / n), words = n)
    }
  )
)
jobs <- list(
  square = list(
    schema = list(type = "object", properties = list(x = list(type = "number")), required = list("x")),
    run = function(args) args$x^2
  )
)

send <- function(message) {
  text <- toJSON(c(list(jsonrpc = "2.0"), message), auto_unbox = TRUE, null = "null", na = "null", digits = NA)
  writeLines(enc2utf8(text), protocol, useBytes = TRUE)
  flush(protocol)
}
refuse <- function(code, message) stop(structure(class = c("refusal", "error", "condition"), list(message = message, code = code)))

methods <- list(
  initialize = function(p) {
    if (p$protocol != "weir-program/1") refuse(-32004, "this program speaks weir-program/1 only")
    unknown <- setdiff(unlist(p$functions), names(scorers))
    if (length(unknown)) refuse(-32001, paste("there is no scorer", unknown[1]))
    list(
      protocol = "weir-program/1", name = "scorer.R", version = "1",
      scorers = lapply(scorers, function(s) s[c("outputs", "reads")]),
      jobs = lapply(jobs, function(j) j["schema"])
    )
  },
  score = function(p) {
    scorer <- scorers[[p$`function`]]
    if (is.null(scorer)) refuse(-32001, "there is no such scorer")
    texts <- vapply(p$items, function(i) if (is.null(i$item$text)) "" else i$item$text, "")
    list(columns = lapply(scorer$score(texts)[unlist(p$outputs)], as.list))
  },
  run_job = function(p) {
    job <- jobs[[p$job]]
    if (is.null(job)) refuse(-32001, "there is no such job")
    job$run(p$args)
  }
)

input <- file("stdin", "r")
while (length(line <- readLines(input, n = 1, warn = FALSE, encoding = "UTF-8"))) {
  if (!nzchar(trimws(line))) next
  request <- fromJSON(line, simplifyVector = FALSE)
  if (is.null(request$id)) next
  method <- methods[[request$method]]
  tryCatch(
    {
      if (is.null(method)) refuse(-32601, "there is no such method")
      send(list(id = request$id, result = method(request$params)))
    },
    refusal = function(e) send(list(id = request$id, error = list(code = e$code, message = e$message))),
    error = function(e) {
      message(conditionMessage(e))  # to the log: it may quote a post
      send(list(id = request$id, error = list(code = -32000, message = "the function failed", data = list(type = class(e)[1]))))
    }
  )
}
