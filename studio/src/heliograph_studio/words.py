"""The studio's own words, English and Chinese, beside the subjects of the lexicon.

Each table maps what a word means to the words for it, separated by commas. A plural need not
be listed. A later table never takes a word from an earlier one.
"""

SETTINGS = {
    "snow": "snow, snowy, snowfield, snowscape, tundra, arctic, antarctica, winter, winter landscape, frozen, ice field,"
    " 雪, 雪地, 雪中, 雪景, 冬天, 冬季, 冰原, 北极, 南极, 雪原, 冰雪",
    "forest": "forest, wood, woods, woodland, jungle, rainforest, grove,"
    " 森林, 树林, 丛林, 雨林, 林中, 林间",
    "bamboo": "bamboo forest, bamboo grove, bamboo, bamboo thicket, 竹林, 竹子, 竹海, 竹",
    "beach": "beach, shore, seashore, coast, seaside, shoreline, island, tropical island, bay, lagoon,"
    " 海滩, 沙滩, 海边, 海岸, 岸边, 海岛, 小岛",
    "ocean": "ocean, sea, open sea, high sea, waves, on the water, on water, sailing, 大海, 海洋, 海上, 水上, 水面, 海面, 海, 海浪",
    "lake": "lake, river, pond, lakeside, riverside, riverbank, misty lake, by a lake, on the lake, stream,"
    " 湖, 湖面, 湖边, 湖泊, 湖水, 湖畔, 河流, 河, 河边, 江面, 池塘, 江边, 小溪",
    "skyline": "skyline, city skyline, skyscraper, skyscrapers, harbor city, city across the water, city lights,"
    " 天际线, 城市天际线, 摩天大楼, 高楼, 高楼大厦",
    "desert": "desert, dune, sahara, wasteland, mars surface, 沙漠, 沙丘, 戈壁, 大漠",
    "mountain": "mountain, mountains, alps, himalaya, peak, summit, cliff, canyon, hill, hills, valley, highland, volcano landscape,"
    " 山, 高山, 山脉, 山顶, 山上, 山峰, 雪山, 峡谷, 山谷, 群山, 悬崖",
    "city": "city, cityscape, town, downtown, street, urban, metropolis, city street, alley, plaza, village,"
    " 城市, 都市, 街道, 街头, 大街, 马路, 市中心, 小镇, 村庄, 城里, 街上",
    "space": "space, outer space, cosmos, galaxy, universe, nebula, deep space, orbit, starfield,"
    " 太空, 宇宙, 银河, 外太空, 星空中, 星际, 星系, 星云",
    "moon": "on the moon, moon surface, lunar surface, moonscape, on mars, alien planet surface, 月球, 月球上, 月球表面, 火星上, 月面",
    "underwater": "underwater, under the sea, under water, deep sea, seabed, coral reef, reef, ocean floor, beneath the waves, aquarium,"
    " 水下, 海底, 水中, 海里, 深海, 珊瑚礁, 海中, 水里, 水族馆",
    "meadow": "meadow, field, grass, grassland, prairie, savanna, savannah, park, village, lawn, pasture, farm, countryside, steppe,"
    " 草地, 草原, 田野, 公园, 草坪, 牧场, 农场, 乡村, 麦田",
    "garden": "garden, garden in bloom, flower garden, flower field, field of flowers, flowerbed, rose garden, blooming garden,"
    " 花园, 花海, 花丛, 花田, 盛开的花园, 花圃, 庭院",
    "room": "room, bedroom, living room, kitchen, indoor, indoors, inside, interior, studio, office, library, cafe, house interior,"
    " floor, carpet, classroom, restaurant, museum, gallery,"
    " 房间, 室内, 卧室, 客厅, 厨房, 屋里, 屋内, 办公室, 图书馆, 咖啡馆, 教室, 地板上, 家里, 博物馆",
    "sky": "sky, in the sky, above the clouds, in the clouds, in the air, heaven, 天空, 空中, 云端, 天上, 云上, 云海",
}

TIMES = {
    "sunrise": "sunrise, dawn, daybreak, morning, early morning, first light, 日出, 黎明, 清晨, 早晨, 早上, 拂晓, 晨光, 朝阳",
    "day": "day, daytime, noon, midday, daylight, afternoon, sunny day, 白天, 中午, 正午, 下午, 白昼",
    "sunset": "sunset, dusk, golden hour, evening, twilight, sundown, at sunset, warm light, 日落, 黄昏, 傍晚, 夕阳, 晚霞, 暮色, 落日",
    "night": "night, nighttime, midnight, moonlight, moonlit, starry, starry night, starry sky, at night, dark night, under the stars,"
    " 夜晚, 夜, 深夜, 午夜, 月光, 月光下, 星空, 星空下, 夜里, 夜色, 晚上, 夜景, 星夜, 月夜",
}

WEATHERS = {
    "clear": "clear, sunny, sunlight, sunshine, bright, cloudless, clear sky, blue sky, 晴朗, 晴天, 阳光, 明媚, 阳光明媚, 蓝天, 晴空",
    "cloudy": "cloudy, overcast, clouds, cloud cover, gray sky, 多云, 阴天, 乌云, 白云, 云朵",
    "rain": "rain, rainy, raining, drizzle, downpour, wet, shower, 雨, 下雨, 雨天, 雨中, 大雨, 小雨, 雨夜, 细雨",
    "storm": "storm, stormy, thunderstorm, tempest, lightning storm, 暴风雨, 雷雨, 风暴, 暴雨",
    "fog": "fog, foggy, mist, misty, haze, hazy, smoky, 雾, 大雾, 薄雾, 迷雾, 雾气, 雾中, 朦胧",
    "snowfall": "snowing, snowfall, snowstorm, blizzard, snowflakes, falling snow, 下雪, 飘雪, 大雪, 暴风雪, 雪花, 雪花飘落",
}

MOODS = {
    "cinematic": "cinematic, film still, movie, epic, dramatic, blockbuster, film, movie scene, cinematic lighting, dramatic lighting,"
    " 电影感, 电影, 电影级, 史诗, 戏剧性, 大片, 电影质感, 史诗般",
    "calm": "calm, peaceful, serene, quiet, tranquil, gentle, soft, relaxing, dreamy, dreamlike, ethereal, soft light, cozy, cosy, zen,"
    " 宁静, 平静, 安静, 温柔, 柔和, 梦幻, 唯美, 安详, 舒适",
    "happy": "happy, cheerful, joyful, fun, playful, colorful, colourful, vibrant, vivid, festive, lively, cute, adorable, lovely, funny, kawaii,"
    " 快乐, 欢乐, 开心, 可爱, 鲜艳, 多彩, 五彩缤纷, 欢快, 活泼, 喜庆, 色彩鲜艳",
    "dark": "dark, gloomy, moody, scary, horror, spooky, ominous, gothic, creepy, haunted, eerie, noir, sinister, mysterious, melancholy, sad, lonely,"
    " 黑暗, 阴森, 恐怖, 神秘, 忧郁, 悲伤, 孤独, 诡异, 阴暗, 哥特",
    "warm": "warm, warm tones, autumn, fall colors, autumnal, summer, 温暖, 暖色, 秋天, 秋季, 金秋, 夏天, 夏日",
    "cold": "cold, cool, icy, chilly, cool tones, frosty, 寒冷, 冷色, 冰冷, 清冷, 冷色调",
    "magic": "magical, fantasy, enchanted, fairy tale, fairytale, mystical, surreal, glowing, mythical, otherworldly, whimsical,"
    " 魔法, 奇幻, 童话, 梦境, 超现实, 仙境, 发光",
    "neon": "neon, cyberpunk, futuristic, synthwave, vaporwave, sci-fi, sci fi, science fiction, retrowave, 霓虹, 赛博朋克, 未来, 科幻, 蒸汽波, 未来感",
    "spring": "spring, blooming, fresh, sakura, cherry blossoms, cherry blossom, 樱花, 春天, 春季, 盛开, 清新",
}

STYLES = {
    "black-and-white": "black and white, monochrome, grayscale, greyscale, b&w, black white, 黑白, 单色, 黑白照片",
    "sepia": "sepia, vintage, old photo, antique, retro, nostalgic, 复古, 怀旧, 老照片, 泛黄",
    "watercolor": "watercolor, watercolour, aquarelle, watercolor painting, 水彩, 水彩画",
    "ink": "ink wash, ink wash painting, ink painting, chinese painting, sumi-e, chinese ink, 水墨, 水墨画, 水墨风, 国画, 中国画, 山水画",
    "low-poly": "low poly, low-poly, polygonal, lowpoly, 低多边形",
    "paper-cut": "paper cut, papercut, paper-cut, paper craft, cut paper, layered paper, 剪纸, 剪纸画, 纸艺",
    "anime": "anime, manga, ghibli, anime style, 动漫, 漫画, 吉卜力, 日漫, 二次元, 新海诚",
    "pop-art": "pop art, warhol, andy warhol, screen print, 波普, 波普艺术, 波普风",
    "isometric": "isometric, isometric view, diorama, 等距, 等轴, 等距视角",
    "oil": "oil painting, painting, impressionist, impressionism, van gogh, monet, painterly, acrylic, gouache, brush strokes, renaissance,"
    " 油画, 绘画, 印象派, 梵高, 莫奈, 笔触",
    "sketch": "sketch, pencil, pencil drawing, pencil sketch, line art, charcoal, drawing, etching, 素描, 铅笔画, 线稿, 速写, 手绘, 炭笔画",
    "cartoon": "cartoon, comic, comic book, cel shaded, illustration, flat design, vector art, poster, pixar, disney,"
    " 卡通, 动画, 插画, 插图, 海报",
    "pixel": "pixel art, pixelated, 8-bit, 8 bit, 像素, 像素画, 像素风",
    "photo": "photo, photograph, photorealistic, realistic, photography, photoreal, hyperrealistic, hyper realistic, dslr, lifelike,"
    " 照片, 摄影, 写实, 逼真, 真实, 超写实, 照片级",
}

SHOTS = {
    "close": "close-up, close up, closeup, macro, portrait, headshot, 特写, 近景, 肖像, 微距",
    "wide": "wide, wide shot, wide angle, panorama, panoramic, landscape, vista, scenery, establishing shot, distant, far away,"
    " 全景, 广角, 远景, 风景, 景色, 风光",
    "low": "low angle, from below, worm's eye view, 仰视, 低角度, 仰拍",
    "high": "high angle, from above, aerial, aerial view, bird's eye view, top view, overhead, drone shot, 俯视, 俯瞰, 鸟瞰, 航拍, 高角度",
}

EFFECTS = {
    "letterbox": "letterbox, letterboxed, black bars, cinemascope, 黑边, 宽银幕",
    "sharp": "sharp, sharp focus, in focus, crisp, deep focus, everything in focus, 清晰, 锐利",
    "blur": "blurry, blur, blurred, bokeh, depth of field, shallow depth of field, out of focus, soft focus, 模糊, 虚化, 景深, 背景虚化, 失焦",
    "grain": "grain, grainy, film grain, noise, noisy, 颗粒, 噪点, 胶片感",
    "vignette": "vignette, 暗角",
    "road": "road, on the road, highway, country road, mountain road, 公路, 马路, 路上, 道路, 小路, path, pathway, trail",
    "lightning": "lightning, lightning bolt, thunder, 闪电, 雷电",
    "aurora": "aurora, northern lights, aurora borealis, polar lights, 极光",
    "table": "table, on a table, wooden table, desk, kitchen table, on the table, 桌子, 桌上, 餐桌, 木桌, 书桌",
}

COLOURS = {
    "red": "red, crimson, scarlet, ruby, 红, 红色, 大红, 赤, 朱红",
    "orange": "orange colored, orange-coloured, amber, 橙, 橙色, 橘色, 橘黄",
    "yellow": "yellow, lemon yellow, 黄, 黄色, 明黄",
    "gold": "gold, golden, gilded, 金, 金色, 金黄, 金黄色",
    "green": "green, emerald, lime, olive, 绿, 绿色, 翠绿, 碧绿",
    "teal": "teal, turquoise, cyan, aqua, 青, 青色, 碧",
    "blue": "blue, navy, azure, cobalt, sapphire, 蓝, 蓝色, 天蓝, 深蓝",
    "purple": "purple, violet, lavender, magenta, indigo, 紫, 紫色, 紫罗兰",
    "pink": "pink, rosy, 粉, 粉色, 粉红, 粉红色, 玫红",
    "brown": "brown, wooden, tan, chestnut, beige, bronze, 棕, 棕色, 褐色, 咖啡色",
    "white": "white, ivory, pale, 白, 白色, 雪白, 洁白",
    "black": "black, ebony, jet black, 黑, 黑色, 漆黑",
    "gray": "gray, grey, silver, silvery, 灰, 灰色, 银, 银色",
}

SIZES = {
    "tiny": "tiny, miniature, mini, minuscule, 微小, 迷你, 小小",
    "small": "small, little, baby, young, 小, 幼小, 幼, 小小的",
    "large": "big, large, tall, great, grand, 大, 高大, 大型",
    "giant": "giant, huge, gigantic, enormous, massive, colossal, towering, 巨大, 巨型, 庞大, 超大",
}

COUNTS = {
    1: "a, an, one, single, lone, 一, 一个, 单个",
    2: "two, both, pair of, a pair of, couple of, a couple of, twin, 两, 二, 一对, 一双, 俩",
    3: "three, several, a few, few, some, trio of, a group of, group of, 三, 几, 一些, 几个, 一群, 群",
    4: "four, 四",
    5: "five, many, lots of, a lot of, a herd of, herd of, flock of, a flock of, 五, 许多, 很多, 多",
    6: "six, half a dozen, 六",
    7: "seven, crowd of, a crowd of, 七",
    8: "eight, 八",
    9: "nine, ten, dozen, a dozen, swarm of, 九, 十",
}
LARGEST_COUNT = 9

# How two subjects stand to each other. English names the second one after the word, Chinese
# mostly before it: those words stand in PLACES.
RELATIONS = {
    "on": "on, on top of, atop, onto, sitting on, standing on, riding, riding on, ride, perched on, lying on, 骑, 骑着, 坐在, 站在, 骑在, 落在, 停在, 趴在, 躺在",
    "above": "over, above, flying over, hovering over, flying above, floating above, soaring over, jumping over, 飞过, 飞越, 越过, 飞在",
    "under": "under, underneath, beneath, below, 躲在",
    "behind": "behind, in the back of, 藏在",
    "front": "in front of, before",
    "beside": "next to, beside, near, by, by the side of, close to, alongside, with, and, 和, 与, 跟, 靠近",
}
PLACES = {
    "on": "上面, 上, 顶上, 之上",
    "above": "上方, 上空",
    "under": "下面, 下, 下方, 底下, 之下",
    "behind": "后面, 后, 背后, 身后",
    "front": "前面, 前, 面前",
    "beside": "旁边, 旁, 边, 身边, 边上",
}

# What somebody wears colours the figure; alone it is a thing: slug of the drawing -> words.
CLOTHES = {
    "dress": "dress, gown, skirt, 裙子, 连衣裙, 长裙, 裙",
    "kimono": "kimono, hanfu, robe, cloak, 和服, 汉服, 长袍, 斗篷",
    "coat": "coat, jacket, raincoat, suit, 外套, 大衣, 西装, 夹克, 雨衣",
    "t-shirt": "shirt, t-shirt, sweater, hoodie, clothes, outfit, uniform, 衬衫, 毛衣, 衣服, T恤",
}

ACTIONS = {
    "fly": "flying, soaring, hovering, in flight, flies, floating, 飞, 飞翔, 飞行, 飘浮, 漂浮, 翱翔, 飞舞",
    "swim": "swimming, diving, swims, 游泳, 游, 游动, 潜水",
    "pose": "sleeping, sitting, standing, walking, running, jumping, dancing, playing, reading, eating, drinking, smiling, laughing,"
    " holding, singing, sailing, driving, looking up, waving, fishing, cooking, fighting, hugging, lying, resting, hunting, climbing, crossing,"
    " 睡觉, 坐着, 站着, 走路, 跑步, 奔跑, 跳, 跳舞, 玩, 玩耍, 读书, 看书, 吃, 喝, 微笑, 笑, 拿着, 唱歌, 行驶, 散步, 钓鱼, 吃着, 睡, 走在, 跑",
}

NEGATIONS = {"no": "no, without, not any, free of, 没有, 无, 不要, 不含"}

# Words that bind the others and ask for nothing that a picture could show or miss.
IGNORED = (
    "the, of, next, wearing, covered with, still life, surrounded, surrounded by, logo, majestic, mighty, iconic, classic, wild, steaming, text, words, word, letters, saying, title, sign, fluffy, furry, photo of, in, at, or, to, from, into, its, his, her,"
    " their, my, your, is, are, be, being, as, for, this, that, it, there, up, down, out, off, through, around, between, very,"
    " image, picture, scene, style, styled, render, rendering, rendered, 3d, art, artwork, high quality, best quality, quality,"
    " masterpiece, detailed, highly detailed, ultra detailed, intricate, beautiful, stunning, amazing, gorgeous, pretty, nice,"
    " 4k, 8k, hd, uhd, high resolution, hi-res, resolution, trending, award winning, award-winning, professional, background,"
    " lighting, light, view, shot, mood, atmosphere, atmospheric, tone, tones, color, colour, colors, please, draw, create,"
    " make, generate, show, showing, paint, want, me, i, we, look, looking, like, s, t, shining, covered, filled,"
    " full, set, against, during, while, where, who, which, has, have, so, too, just, only, also, all,"
    " 的, 在, 了, 及, 里, 中, 有, 是, 着, 地, 得, 个, 只, 头, 匹, 辆, 条, 座, 艘, 架, 棵, 朵, 位, 名, 张, 幅, 枝, 间, 把, 块, 颗,"
    " 碗, 本, 穿, 穿着, 热气腾腾, 被, 从, 向, 到, 对, 为, 以, 并, 也, 都, 很, 非常, 之间, 里面, 外面, 一幅, 一张, 画, 图, 图片, 图像, 画面, 风格, 背景,"
    " 高清, 高质量, 杰作, 精美, 美丽, 漂亮, 好看, 请, 帮我, 生成, 创作, 场景, 氛围, 气氛, 光线, 光, 色调, 色, 正在, 这, 那, 我, 想, 要, 给, 之, 被雪覆盖,"
    " 超高清, 分辨率, 细节, 丰富, 质感, 文字, 字样, 写着, 看, 望, 面"
)

# Other names for subjects: slug of the drawing -> words. A slug may recur in no other table.
SYNONYMS = {
    "cat": "kitty, kitten, feline, tomcat, tabby, 猫咪, 小猫, 猫猫, 小猫咪, 喵",
    "black-cat": "black cat, 黑猫",
    "dog": "puppy, pup, doggy, hound, canine, labrador, retriever, golden retriever, husky, corgi, shiba, shiba inu, 小狗, 狗狗, 狗, 犬, 小狗狗, 柴犬, 柯基, 金毛",
    "chipmunk": "squirrel, squirrels, 松鼠, 小松鼠",
    "rabbit": "bunny, hare, bunnies, 兔子, 小兔, 小兔子, 兔",
    "panda": "giant panda, panda bear, red panda, 大熊猫, 熊猫宝宝, 小熊猫, 熊猫",
    "bear": "grizzly, brown bear, black bear, teddy, bear cub, grizzly bear, 棕熊, 黑熊, 小熊, 熊",
    "polar-bear": "ice bear, 北极熊, 白熊",
    "fox": "red fox, arctic fox, vixen, foxes, 狐狸, 小狐狸, 狐",
    "wolf": "wolves, gray wolf, grey wolf, werewolf, 狼, 灰狼, 野狼",
    "lion": "lioness, lions, 狮子, 雄狮, 狮",
    "tiger": "tigers, bengal tiger, 老虎, 虎, 猛虎",
    "mouse": "mice, 老鼠, 小老鼠",
    "horse": "pony, stallion, mare, foal, 马, 骏马",
    "cow": "cattle, calf, 奶牛, 母牛, 牛",
    "pig": "piglet, hog, 猪, 小猪",
    "deer": "stag, doe, reindeer, fawn, elk, 鹿, 小鹿, 梅花鹿, 驯鹿",
    "ewe": "sheep, lamb, 羊, 绵羊, 小羊",
    "monkey": "ape, chimpanzee, 猴子, 小猴子, 猴",
    "bird": "songbird, sparrow, robin, 小鸟, 鸟, 鸟儿, 麻雀",
    "eagle": "hawk, falcon, 鹰, 老鹰, 雄鹰",
    "penguin": "penguins, 企鹅, 小企鹅",
    "owl": "owls, 猫头鹰",
    "duck": "duckling, 鸭子, 小鸭子, 鸭",
    "fish": "fishes, goldfish, salmon, 鱼, 小鱼, 金鱼",
    "tropical-fish": "clownfish, tropical fish, 热带鱼, 小丑鱼",
    "shark": "great white shark, 鲨鱼, 大白鲨",
    "spouting-whale": "whale, 鲸鱼, 鲸, 蓝鲸",
    "dolphin": "dolphins, 海豚",
    "turtle": "tortoise, sea turtle, 乌龟, 海龟",
    "snake": "serpent, python, cobra, 蛇",
    "dragon": "dragons, wyvern, chinese dragon, 龙, 巨龙, 飞龙",
    "t-rex": "dinosaur, tyrannosaurus, trex, dino, 恐龙, 霸王龙",
    "butterfly": "butterflies, 蝴蝶, 蝶",
    "honeybee": "bee, bumblebee, 蜜蜂",
    "elephant": "elephants, 大象, 小象, 象",
    "woman-standing": "woman, lady, women, bride, queen, 女人, 女生, 女子, 少女, 美女, 姑娘, 女王, 妈妈, 母亲",
    "man-standing": "man, guy, men, gentleman, 男人, 男生, 男子, 少年, 爸爸, 父亲",
    "person-standing": "person, people, human, someone, figure, 人, 人物, 人类, 行人们",
    "boy": "boy, little boy, schoolboy, 男孩, 小男孩, 男童",
    "girl": "girl, little girl, schoolgirl, 女孩, 小女孩, 女童",
    "child": "child, kid, children, toddler, 孩子, 小孩, 儿童, 小朋友",
    "person-with-crown": "king, emperor, 国王, 皇帝",
    "old-man": "old man, grandfather, elderly man, 老人, 老爷爷, 爷爷",
    "old-woman": "old woman, grandmother, elderly woman, 老奶奶, 奶奶",
    "person-walking": "walker, hiker, traveler, traveller, pedestrian, 行人, 旅行者, 旅人",
    "person-running": "runner, 跑步者",
    "woman-dancing": "dancer, dancing woman, ballerina, 舞者, 跳舞的女人",
    "astronaut": "spaceman, cosmonaut, 宇航员, 航天员, 太空人",
    "robot": "robots, android, droid, mech, 机器人",
    "ghost": "ghosts, spirit, 幽灵, 鬼",
    "mage": "wizard, witch, sorcerer, magician, 巫师, 法师, 魔法师, 女巫",
    "ninja": "samurai, assassin, warrior, 忍者, 武士, 战士",
    "castle": "fortress, palace, citadel, castles, 城堡, 宫殿, 古堡, 堡垒",
    "house": "cottage, cabin, home, mansion, building, villa, 房子, 小屋, 屋子, 别墅, 木屋",
    "lighthouse": "lighthouses, beacon, 灯塔",
    "shinto-shrine": "torii, torii gate, shrine, 鸟居",
    "japanese-castle": "pagoda, temple, japanese castle, 宝塔, 塔, 寺庙, 庙",
    "automobile": "car, sedan, vehicle, cars, 汽车, 车, 小汽车, 轿车",
    "racing-car": "sports car, sportscar, racecar, race car, supercar, ferrari, 赛车, 跑车",
    "motorcycle": "motorbike, 摩托车",
    "bicycle": "bike, 自行车, 单车",
    "train": "trains, 火车, 列车",
    "locomotive": "steam train, steam engine, 蒸汽火车",
    "bowl-with-spoon": "bowl, soup, 汤, 汤碗",
    "lotion-bottle": "bottle, perfume, shampoo, 瓶子, 香水",
    "tokyo-tower": "eiffel tower, tokyo tower, tower, 埃菲尔铁塔, 铁塔, 东京塔",
    "guard": "knight, soldier, knights, 骑士, 士兵",
    "bridge-at-night": "bridge, 桥, 大桥",
    "sailboat": "boat, yacht, sailing boat, 船, 小船, 帆船",
    "ship": "cruise ship, vessel, pirate ship, 海盗船, 轮船, 大船",
    "airplane": "plane, aeroplane, jet, aircraft, 飞机",
    "rocket": "spaceship, spacecraft, starship, space ship, space shuttle, 火箭, 飞船, 太空飞船, 宇宙飞船",
    "flying-saucer": "ufo, alien ship, 飞碟, 不明飞行物",
    "ringed-planet": "planet, saturn, 行星, 星球, 土星",
    "globe-showing-europe-africa": "earth, globe, 地球",
    "full-moon": "moon, 月亮, 满月, 圆月",
    "crescent-moon": "crescent, new moon crescent, 月牙, 弯月",
    "evergreen-tree": "pine, pine tree, fir, spruce, conifer, 松树, 杉树",
    "deciduous-tree": "tree, oak, trees, 树, 大树, 树木",
    "palm-tree": "palm, coconut tree, 棕榈树, 椰子树",
    "christmas-tree": "xmas tree, 圣诞树",
    "blossom": "flower, flowers, wildflower, daisy, 花, 花朵, 鲜花, 小花",
    "rose": "roses, 玫瑰, 玫瑰花",
    "red-apple": "fruit, fruits, 水果, apple, apples, 苹果",
    "hot-beverage": "coffee, cup of coffee, tea, cup of tea, latte, cappuccino, 咖啡, 一杯咖啡, 茶, 热茶",
    "birthday-cake": "cake, 蛋糕",
    "hamburger": "burger, cheeseburger, 汉堡, 汉堡包",
    "guitar": "electric guitar, 吉他",
    "teddy-bear": "stuffed bear, plush bear, 泰迪熊, 玩具熊",
    "snowman": "snowmen, 雪人",
    "balloon": "balloons, hot air balloon, air balloon, 热气球, 气球",
    "crown": "tiara, 皇冠, 王冠",
    "dagger": "sword, knife blade, 剑, 宝剑",
    "crossed-swords": "swords, 双剑",
    "unicorn": "unicorns, 独角兽",
    "mermaid": "mermaids, 美人鱼",
    "jack-o-lantern": "pumpkin, halloween pumpkin, 南瓜, 南瓜灯",
    "pizza": "pizza slice, 披萨, 比萨",
    "bouquet": "bunch of flowers, 花束",
    "red-paper-lantern": "red lantern, chinese lantern, 红灯笼, 灯笼",
    "sun": "the sun, 太阳",
    "rainbow": "rainbows, 彩虹",
    "alien": "extraterrestrial, martian, 外星人",
    "white-flag": "flag, banner, 旗, 旗帜",
    "volcano": "volcanic eruption, 火山",
}
