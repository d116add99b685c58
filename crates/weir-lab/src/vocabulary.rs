//! Words and sentence templates of generated posts. Names are real and public, so that an entity extractor recognises them,
//! and are listed in order of falling frequency.

pub(crate) const PEOPLE: &[&str] = &[
    "Taylor Swift", "Elon Musk", "Serena Williams", "Barack Obama", "Lionel Messi", "Greta Thunberg", "Tom Hanks", "Oprah Winfrey",
    "LeBron James", "Angela Merkel", "Bill Gates", "Simone Biles", "Paul McCartney", "Malala Yousafzai", "Tim Cook", "Roger Federer",
    "Dolly Parton", "Stephen King", "Cristiano Ronaldo", "Emma Watson", "David Attenborough", "Lewis Hamilton", "Margaret Atwood",
    "Jacinda Ardern", "Bruce Springsteen", "Naomi Osaka", "Keanu Reeves", "Jane Goodall", "Usain Bolt", "Meryl Streep", "Steven Spielberg",
    "Rafael Nadal", "Michelle Obama", "Neil Gaiman", "Billie Eilish", "Denzel Washington", "Megan Rapinoe", "Ian McKellen", "Yo-Yo Ma",
    "Salman Rushdie", "Sally Ride", "Christopher Nolan", "Adele Adkins", "Eliud Kipchoge", "Zadie Smith", "Martin Scorsese",
    "Katie Ledecky", "Haruki Murakami", "Annie Leibovitz", "Andy Murray",
];

pub(crate) const ORGANISATIONS: &[&str] = &[
    "NASA", "Google", "Apple", "BBC", "Microsoft", "United Nations", "Amazon", "Tesla", "Netflix", "Reuters", "Boeing", "Toyota", "Spotify",
    "Manchester United", "Red Cross", "European Union", "Samsung", "Disney", "Nintendo", "World Health Organization", "Harvard University",
    "Intel", "Airbus", "Wikipedia", "Mozilla", "Volkswagen", "Siemens", "Real Madrid", "New York Times", "Starbucks", "IKEA", "Lego", "Pixar",
    "Stanford University", "Nokia", "Greenpeace", "Lufthansa", "Adidas", "Nestle", "Unicef", "Interpol", "Goldman Sachs", "Philips",
    "Ford Motor Company", "Bayern Munich", "Penguin Books", "Royal Society", "Honda", "Sony", "Bosch",
];

pub(crate) const PLACES: &[&str] = &[
    "London", "Chicago", "Paris", "California", "Germany", "Tokyo", "Canada", "New York", "Brazil", "Seattle", "Berlin", "Australia", "Texas",
    "Madrid", "Kenya", "Toronto", "Dublin", "Sydney", "Norway", "Mexico City", "Boston", "Amsterdam", "Portugal", "Mumbai", "Vienna",
    "Scotland", "Lagos", "Denver", "Rome", "Iceland", "Singapore", "Oslo", "Cape Town", "Montreal", "Lisbon", "Vietnam", "Melbourne", "Prague",
    "Portland", "Helsinki", "Buenos Aires", "Greece", "Philadelphia", "Zurich", "Nairobi", "Copenhagen", "Peru", "Detroit", "Barcelona", "Warsaw",
];

pub(crate) const TOPICS: &[&str] = &[
    "the new stadium", "public transport", "the school budget", "electric cars", "the housing market", "the film festival", "clean energy",
    "the summer tour", "space travel", "online privacy", "the marathon", "the library reopening", "the power cut", "remote work",
    "the new album", "local food", "the train strike", "the world cup", "free wifi", "the heat wave", "vaccination", "the bridge repairs",
    "open source software", "the farmers market", "the phone update", "rising rents", "the museum exhibition", "bike lanes", "the election count",
    "the documentary", "the recycling scheme", "the science fair", "airport queues", "the bakery on the corner", "the new season",
];

/// Words without spaces, for hashtags.
pub(crate) const TAGS: &[&str] = &[
    "news", "football", "science", "music", "climate", "tech", "travel", "books", "health", "movies", "food", "space", "school", "art", "gaming",
    "business", "weather", "history", "running", "photography", "transport", "gardening", "economy", "cycling", "tv",
];

pub(crate) const POSITIVE_WORDS: &[&str] = &[
    "great", "wonderful", "amazing", "lovely", "brilliant", "fantastic", "beautiful", "inspiring", "delightful", "excellent", "exciting",
    "charming", "impressive", "superb", "fun", "hopeful", "really good", "perfect",
];

pub(crate) const NEGATIVE_WORDS: &[&str] = &[
    "terrible", "awful", "sad", "disappointing", "frustrating", "horrible", "annoying", "boring", "ugly", "worrying", "depressing", "dreadful",
    "miserable", "ridiculous", "really bad", "painful", "pathetic", "shameful",
];

pub(crate) const NEUTRAL_WORDS: &[&str] = &["new", "old", "local", "usual", "different", "common", "short", "longer", "similar", "recent"];

pub(crate) const POSITIVE_EMOJI: &[&str] = &["😀", "😂", "❤️", "👍", "🎉", "🔥", "😍", "🙌", "✨", "😊"];
pub(crate) const NEGATIVE_EMOJI: &[&str] = &["😡", "😢", "👎", "😞", "🙄", "💔", "😤", "😭", "🤦", "😠"];

pub(crate) const PERIODS: &[&str] = &[
    "today", "this morning", "last night", "this week", "yesterday", "again", "this weekend", "on Monday", "on Friday", "after lunch",
    "again and again", "all day", "this year", "before breakfast", "in the evening",
];

/// Slots: `{person}`, `{org}`, `{place}`, `{topic}`, `{adj}` (of the mood), `{when}`, and numbers: `{d}` (below ten), `{n}` (below a
/// hundred), `{m}` (hundreds).
pub(crate) const NEUTRAL_NAMING: &[&str] = &[
    "{person} will be in {place} {when} to talk about {topic}.",
    "{org} opens an office in {place} with {m} jobs.",
    "Watching {person} talk about {topic} {when}.",
    "{org} and {org} are working together on {topic}.",
    "{person} arrived in {place} {when}, about {m} people were waiting.",
    "According to {org}, {m} people in {place} asked about {topic}.",
    "Does anybody in {place} know what {org} plans for {topic}?",
    "Reading what {person} wrote about {place}, {m} pages so far.",
    "{person} answers {n} questions about {topic}, in an interview with {org}.",
    "Flying to {place} {when} for {topic}.",
    "What do you think of {person} and {topic}?",
    "{org} says {topic} will cost {m} million.",
];

pub(crate) const NEUTRAL_PLAIN: &[&str] = &[
    "Has anybody else looked at {topic} {when}?",
    "Here are {n} photos of {topic}.",
    "We talked about {topic} {when} for {n} minutes.",
    "How long does it take to get used to {topic}? I am on day {n}.",
    "Question about {topic}: is it {d} or {n}?",
    "A short thread on {topic}, part {d}.",
    "They counted {m} people at {topic} {when}.",
    "My neighbour has an opinion on {topic}, as it turns out {when}.",
    "The meeting about {topic} moved to half past {d}.",
    "Looking for a book on {topic}, ideas?",
];

pub(crate) const POSITIVE_NAMING: &[&str] = &[
    "What a {adj} evening with {person} in {place} {when}!",
    "Congratulations to {person} on {topic}, {adj} work.",
    "I love what {org} is doing for {topic}, it is {adj}.",
    "{place} was {adj} {when}, thanks to everybody at {org}.",
    "So happy for {person}! {n} days of hard work and a {adj} result.",
    "{person} gave a {adj} talk about {topic} {when}, best of the year.",
    "Proud of my friends at {org} for winning the {place} prize with {topic}.",
    "The food in {place} is {adj}, we enjoyed every one of the {d} courses.",
    "Thank you {org}, the new service in {place} is {adj}.",
    "Met {person} {when} and got {adj} advice about {topic}.",
];

pub(crate) const POSITIVE_PLAIN: &[&str] = &[
    "Finally some {adj} news about {topic}!",
    "I am so happy with {topic}, {d} out of 10.",
    "Such a {adj} day, {topic} made my week.",
    "Best {n} minutes of my day: {topic}, just {adj}.",
    "My kids love {topic}, and it was {adj} {when}.",
    "Really enjoyed {topic} {when}, {adj} people everywhere.",
    "Thanks for all the {adj} messages about {topic}.",
    "We won! {d} to 2, what a {adj} match {when}.",
];

pub(crate) const NEGATIVE_NAMING: &[&str] = &[
    "Waited {n} minutes in {place} {when}, {adj} service.",
    "Not happy with {org} and {topic}, it is {adj}.",
    "The traffic in {place} is {adj} {when}, {n} minutes late.",
    "I expected more of {person}, {topic} was {adj} {when}.",
    "{org} lost my order {when}, {d} calls and no answer. It is {adj}.",
    "Sad to read about the storm in {place}, {m} houses damaged.",
    "The weather in {place} ruined {topic} {when}, it was {adj}.",
    "Sorry to hear that {person} is ill and {topic} is cancelled.",
    "Why does {org} fail at {topic} every time? It is {adj}.",
    "Bad luck for {person} {when}, a {adj} defeat in {place}.",
];

pub(crate) const NEGATIVE_PLAIN: &[&str] = &[
    "I hate {topic}, it has been {adj} {when}.",
    "Another {adj} day with {topic}, {n} hours lost.",
    "Tired of {topic}. It gets worse {when}.",
    "{m} complaints about {topic} and nobody cares. It is {adj}.",
    "Lost my keys {when} and then {topic}, a {adj} start.",
    "Why is {topic} so {adj}? I am angry.",
    "The queue for {topic} was {adj}, {m} people before me.",
    "Nobody warned us about {topic}, what a {adj} mess.",
];

/// First sentences of a post about one name.
pub(crate) const OPENINGS: &[&str] = &[
    "More on {name} today.", "{name} is in the news again.", "Everybody talks about {name}.", "Thinking of {name} this morning.",
    "The best picture of {name} so far.", "Has {name} changed?",
];

/// Replies to a post.
pub(crate) const REPLIES: &[&str] = &[
    "I agree, {topic} is {adj}.", "That is {adj}.", "Where did you read this?", "Same here in {place}, {n} times {when}.", "Not so sure about {topic}.",
    "{person} said the same {when}.", "Thanks for sharing!", "This is {adj}, tell {org}.", "I was there, {m} people at most.", "No way 😂",
    "How {adj}!", "Please stop talking about {topic}.", "My sister lives in {place} and says it is {adj}.", "Can you explain {topic}?",
    "{m} likes for this one.", "Well said.", "Source? {org} says otherwise.", "What a {adj} thing to say.", "lol, {topic} {when}", "Good luck with {topic}!",
];
